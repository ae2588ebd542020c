"""A digest that a value shares with all values equal by `exact`, and with no others."""

from __future__ import annotations

import hashlib
from dataclasses import field
from itertools import chain
from operator import itemgetter, ne
from typing import TYPE_CHECKING, Any, TypeAlias

from ..machine.deadline import TimedOut
from ..model.dataclass import dataclass
from .arrays import unify
from .plain import PLAIN
from .readings import (
    TEXT,
    Parts,
    Read,
    UndigestibleError,
    dump,
    find_reading,
    is_known_by_name,
    read_class,
)
from .walk import DEPTH, find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .readings import Token

_SIZE = 20
#: The number of items that are written at once.
_BLOCK = 1 << 16
#: Up to so many plain items are used as they are, which is cheaper than a digest of them.
FEW = 32
#: Rows are digested as columns from so many rows on, and so many per column.
ROWS = 16
_RATIO = 4
#: Limit of nested columns: shared rows are visited in each of them.
_SPREAD = 256
NAN = float("nan")
#: The token of a class inside its own contents: methods refer to it.
_ITSELF = ("itself",)

#: The label that identifies a class.
_Label: TypeAlias = "tuple[object, object] | None"


def digest(value: object) -> bytes | None:
    """Return 20 bytes that `value` shares with all values equal by `exact()`, and with no others.

    They are the same in every process. None if there is no such digest: for classes with their own
    `__eq__`, and for values that cannot be compared, contain themselves or two equal keys, or
    raise.
    """
    return Digestion().digest(value)


def _find_labelled(cls: type) -> tuple[_Label, Read]:
    """Return the label that identifies a class, and how its values are read."""
    read = find_reading(find(cls))
    if read is None:
        raise UndigestibleError(f"{cls}: only its comparer can decide")
    named = unify(cls)
    module: object = named.__module__  # for a type made by Cython, that of its instances
    return (module if isinstance(module, str) else "", named.__qualname__), read


def _itself(parts: Parts) -> Parts:
    return parts


def _refuse(value: object) -> Parts:
    raise UndigestibleError(f"{type(value)}: its contents have no digest")


#: Those of the most frequent classes.
_READINGS: dict[type, tuple[_Label, Read]] = {
    Parts: (None, _itself),
    **{cls: _find_labelled(cls) for cls in (list, tuple, dict, set, frozenset)},
}


@dataclass(slots=True)
class _Open:
    """A value with parts still to be digested; `tokens` holds parts, or the tokens for them."""

    value: object
    label: _Label
    facts: object
    tokens: list[Token]
    arrange: Callable[[list[Token]], object] | None = None
    spread: int = 1
    position: int = 0


@dataclass(slots=True)
class Digestion:
    """The digestion of values that nobody changes meanwhile, from the leaves up.

    `readings` are those of the classes visited so far. `known` is the token of each visited value:
    None while its parts are being digested, and permanently where one of them has no digest. The
    values are kept alive, because an id can be reused after its object is deleted. `contents` are
    the digests of classes that are not imported under their names, None likewise.
    """

    readings: dict[type, tuple[_Label, Read]] = field(default_factory=_READINGS.copy)
    known: dict[int, tuple[object, Token | None]] = field(default_factory=dict)
    contents: dict[type, bytes | None] = field(default_factory=dict)

    def digest(self, value: object) -> bytes | None:
        """Return the digest, None if there is none."""
        try:
            return self.take(value)
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException:  # from code of the values' classes, which may even exit
            return None

    def take(self, value: object) -> bytes:
        """Return the digest; UndigestibleError if there is none, or whatever a value's code raises.

        A stack of open values replaces recursion, so that depth costs only memory.
        """
        stack: list[_Open] = []
        here = _Open(None, None, "value", [value])
        while True:
            inner = self.fill(here)
            if inner is not None:
                if len(stack) > DEPTH:
                    raise UndigestibleError("too deep")
                stack.append(here)
                here = inner
                continue
            sealed = _seal(here.label, here.facts, here.tokens, here.arrange)
            if not stack:
                return sealed
            self.known[id(here.value)] = here.value, (sealed,)
            here = stack.pop()

    def fill(self, here: _Open) -> _Open | None:
        """Replace parts by tokens; return the first part that must be digested before."""
        tokens = here.tokens
        for position in range(here.position, len(tokens)):
            part = tokens[position]
            cls = type(part)
            if cls in PLAIN:
                if part != part:
                    tokens[position] = NAN
                continue
            met = self.known.get(id(part))
            if met is not None:
                if met[1] is None:
                    raise UndigestibleError("it contains itself, or a value without a digest")
                tokens[position] = met[1]
                continue
            label, read = self.readings.get(cls) or self.find(cls)
            facts, values, arrange = read(part)
            if not PLAIN.issuperset(map(type, values)):
                here.position = position
                self.known[id(part)] = part, None
                spread = here.spread if cls is Parts else 1
                return _open_up(part, label, Parts(facts, values, arrange), spread)
            values = _unify_nans(values)
            if 0 < len(values) <= FEW:
                form = list(values) if arrange is None else arrange(list(values))
                tokens[position] = label, facts, form
                continue
            tokens[position] = token = (_seal(label, facts, values, arrange),)
            if cls is not Parts:
                self.known[id(part)] = part, token
        return None

    def find(self, cls: type) -> tuple[_Label, Read]:
        """Return label and reading of a class; UndigestibleError if there is none.

        The label of a class that is not imported under its name includes its contents.
        """
        label, read = _find_labelled(cls)
        if not is_known_by_name(unify(cls)):
            label = label, self.digest_contents(cls)
        if read is read_class:
            read = self.read_class
        self.readings[cls] = label, read
        return label, read

    def read_class(self, cls: type) -> Parts:
        """Read a class as a value: its name, and contents if it is not imported under the name."""
        name = [str(cls.__module__), cls.__qualname__]
        return Parts(name, () if is_known_by_name(cls) else (self.digest_contents(cls),))

    def digest_contents(self, cls: type) -> bytes:
        """Return the digest of the contents of a class, which may refer to it."""
        if cls not in self.contents:
            self.contents[cls] = None  # meanwhile: another class of its contents may refer to it
            known: dict[int, tuple[object, Token | None]] = {id(cls): (cls, _ITSELF)}
            inner = Digestion(self.readings.copy(), known, self.contents)
            inner.readings[cls] = None, _refuse
            self.contents[cls] = inner.take(read_class(cls))
        digest = self.contents[cls]
        if digest is None:
            raise UndigestibleError(f"{cls}: its contents have no digest")
        return digest


def _open_up(value: object, label: _Label, parts: Parts, spread: int) -> _Open:
    """Return a value whose parts are to be digested, as columns where they are similar rows."""
    facts, values, arrange = parts
    if arrange is None and len(values) >= ROWS:
        table = tabulate(values, _SPREAD // spread)
        if table is not None:
            facts, values = [facts, table.facts], table.values
            spread *= len(values)
    return _Open(value, label, facts, list(values), arrange, spread)


def tabulate(values: Sequence[object], widest: int) -> Parts | None:
    """Return dicts with the same text keys, or lists or tuples of one length, as columns.

    None for other values, which are digested one by one. The choice depends only on what equal
    values have in common, so that they get the same form. The order of keys and the sharing of
    objects do not matter.
    """
    if len(values) < ROWS:
        return None
    (cls, *others) = set(map(type, values))
    if others or cls not in (dict, list, tuple):
        return None
    rows: Sequence[Any] = values
    width = len(rows[0])
    if not 0 < width <= min(widest, len(rows) // _RATIO) or set(map(len, rows)) != {width}:
        return None
    names: Sequence[Any] = range(width)
    if cls is dict:
        if not TEXT.issuperset(map(type, chain.from_iterable(rows))):
            return None
        if len(set(map(frozenset, set(map(tuple, rows))))) > 1:
            return None
        names = sorted(rows[0])
    columns = [Parts("column", list(map(itemgetter(name), rows))) for name in names]
    return Parts([cls.__name__, list(names)], columns)


def _unify_nans(values: Sequence[Any]) -> Sequence[Any]:
    """Return plain values with all NaNs alike."""
    if any(map(ne, values, values)):
        return [NAN if value != value else value for value in values]
    return values


def _seal(
    label: _Label,
    facts: object,
    tokens: Sequence[Token],
    arrange: Callable[[list[Token]], object] | None,
) -> bytes:
    """Return the digest of the data of a value, in which the end of each item is marked."""
    data = tokens if type(tokens) is list else list(tokens)
    if arrange is not None or len(data) <= _BLOCK:
        form = data if arrange is None else arrange(data)
        return hashlib.sha256(dump((label, facts, form))).digest()[:_SIZE]
    state = hashlib.sha256(dump((label, facts, "blocks", len(tokens))))
    for start in range(0, len(tokens), _BLOCK):
        state.update(dump(data[start : start + _BLOCK]))
    return state.digest()[:_SIZE]
