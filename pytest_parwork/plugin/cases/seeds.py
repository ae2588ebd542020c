"""The seed of a case, made of its id: the same in every run, and in both legs."""

from __future__ import annotations

import hashlib

import pytest

from ..config.options import seed
from ..config.settings import marker_keywords, settings
from .groups import configuration_of

__all__ = ["seed_of"]


def seed_of(item: pytest.Item) -> int:
    """Return a number below 2**32, which every generator takes as a seed."""
    text = f"{seed(item.config)}\0{id_without_configuration(item)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def id_without_configuration(item: pytest.Item) -> str:
    """Return the node id as it would be without a matrix, and without what xdist adds to it."""
    assert item.parent is not None
    callspec = getattr(item, "callspec", None)
    chosen = configuration_of(item) if isinstance(item, pytest.Function) else None
    if callspec is None or chosen is None:
        return f"{item.parent.nodeid}::{item.name}"
    assert isinstance(item, pytest.Function)
    matrix = settings(item.config, marker_keywords(item)).matrix()
    told = next(told for told, configuration in matrix if configuration.id == chosen)
    rest = callspec.id.removeprefix(told).removeprefix("-")  # it is the outermost parameter
    name = f"{item.originalname}[{rest}]" if rest else item.originalname
    return f"{item.parent.nodeid}::{name}"
