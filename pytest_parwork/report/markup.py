"""Lines of text with markup, which is kept beside the text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line", "Segment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A text and the names of its markup (`red`, `bold` …), as pytest's terminal writer has them.

    The text says all by itself, for terminals without colour.
    """

    text: str
    markup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the terminal."""

    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The line without its markup."""
        return "".join(segment.text for segment in self.segments)
