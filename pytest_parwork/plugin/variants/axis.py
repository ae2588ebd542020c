"""The variants of a test as its innermost parameter, and the variant of an item."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ...equivalence import show
from ...model.errors import UsageError
from ..cases.plain import is_reached
from ..compat import fixture_chains, fixture_defs
from ..config.settings import settings_of
from ..config.varied import Variant, names_of

#: The name under which a variant parametrizes the test.
VARIANT = "parwork_variant"

#: Why a test is plain that a mark around it reaches.
NOT_TAKEN = "takes no argument that is varied"

#: pytest's scopes, the widest first.
_SCOPES = ("session", "package", "module", "class")


def parametrize_variants(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test by what it varies: the inner loop, after its own parameters.

    So all variants of a case follow one another, and the reference is needed no longer than that.
    Raises `UsageError`.
    """
    variants = settings_of(metafunc.definition).variants()
    if not variants:
        return
    names = list(variants[0].values)
    if not set(names) <= set(metafunc.fixturenames) and is_reached(metafunc.definition):
        return  # the test will be plain
    _check(metafunc, names)
    metafunc.fixturenames.append(VARIANT)
    metafunc.parametrize(
        [*names, VARIANT],
        [
            pytest.param(
                *variant.values.values(),
                variant,
                marks=variant.marks,
                id=variant.id or pytest.HIDDEN_PARAM,
            )
            for variant in variants
        ],
        scope=_scope(metafunc.definition, names),  # type: ignore[arg-type]  # one of pytest's
    )


def variant_of(item: pytest.Item) -> Variant | None:
    """Return the item's variant, None for a test that varies nothing."""
    callspec = getattr(item, "callspec", None)
    variant: Variant | None = callspec.params.get(VARIANT) if callspec is not None else None
    return variant


def rest_of(item: pytest.Function, variant: Variant) -> str:
    """Return the item's parameters in its id without the variant, which comes last."""
    rest: str = item.callspec.id
    return rest.removesuffix(variant.id).removesuffix("-")


def _check(metafunc: pytest.Metafunc, names: Sequence[str]) -> None:
    """Raise `UsageError` for an argument that cannot be varied."""
    definition = metafunc.definition
    fixtures = fixture_defs(definition)
    for name in names:
        shown = f"vary={{{show(name)}: ...}}"
        if name not in metafunc.fixturenames:
            taken = ", ".join(map(repr, metafunc.fixturenames)) or "none"
            raise UsageError(
                f"{shown}: neither the test nor its fixtures take an argument {name!r} (they take "
                f"{taken}); add it to the test, or correct the name"
            )
        if name in names_of(definition):
            raise UsageError(
                f"{shown}: the test is parametrized by {name!r} already; remove one of the two"
            )
        if name in fixtures and fixtures[name].params is not None:
            raise UsageError(
                f"{shown}: the fixture {name!r} has params already; remove one of the two"
            )


def _scope(item: pytest.Function, names: Sequence[str]) -> str | None:
    """Return the widest scope of a fixture that takes one of the arguments, None for function."""
    scopes = {
        each.scope
        for chain in fixture_chains(item).values()
        for each in chain
        if set(names) & set(each.argnames)
    }
    return next((scope for scope in _SCOPES if scope in scopes), None)
