"""A sparse matrix as a project may have one: it stores the given elements, including zeros."""

from __future__ import annotations

from collections.abc import Mapping


class Matrix:
    """Rows and columns, and the elements that were set, by (row, column)."""

    def __init__(self, shape: tuple[int, int], elements: Mapping[tuple[int, int], float]) -> None:
        self.shape = shape
        self.elements = dict(elements)

    def __repr__(self) -> str:
        return f"<Matrix {self.shape[0]} x {self.shape[1]}, {len(self.elements)} elements>"

    def __matmul__(self, other: Matrix) -> Matrix:
        product: dict[tuple[int, int], float] = {}
        for (row, inner), left in self.elements.items():
            for (at, column), right in other.elements.items():
                if inner == at:
                    place = row, column
                    product[place] = product.get(place, 0.0) + left * right
        return Matrix((self.shape[0], other.shape[1]), product)
