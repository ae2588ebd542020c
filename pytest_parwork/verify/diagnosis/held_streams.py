"""The generators of one seed: watched for what they give, or held so that they repeat it."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal, TypeAlias

from ...model.dataclass import dataclass
from ...transport.addresses import find
from .reseeding import all_seeds_of, other_seed
from .treatments import Function, replaced
from .varied import Varied

#: What a held generator repeats: its first numbers in each call, or a single number.
Hold: TypeAlias = Literal["", "calls", "numbers"]

#: Seeds that are so near to that of the body are made of it: one for each job, by its number.
NEAR = 10_000

#: Smaller integers that a generator has drawn are hardly the seeds of others.
SMALLEST = 1000

#: Most elements of an array that are distinguished from one another.
MOST_ELEMENTS = 10_000

#: Public methods that draw nothing.
_OTHERS = {"seed", "get_state", "set_state", "spawn", "bit_generator", "getstate", "setstate"}

#: Methods that move what they are given: a single number in place of a permutation is none.
_PERMUTING = {"permutation", "permuted", "shuffle", "choice", "sample"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Give a body another seed, and watch or hold the generators that are seeded with it.

    `number` is that of the seed. With `hold`, they repeat the numbers of `state`. Without, the call
    returns how many numbers they gave, and their digest, in place of its result.
    """

    number: int
    hold: Hold = ""
    state: int = 0

    def __call__(self, function: Function) -> Function:
        """Return the variant with the generators replaced while it runs."""
        if not isinstance(function, Varied):
            return function
        seed = all_seeds_of(find(function.address))[self.number]
        body = replace(function, seed=self.number)

        def call(*args: object, **kwargs: object) -> object:
            drawn = Drawn(other_seed(seed.value), self.hold, self.state)
            with of_python(drawn), of_numpy(drawn):
                value = body(*args, **kwargs)
            return value if self.hold else drawn.digest()

        return call


class Drawn:
    """What the generators of a seed have given, each in its order; children are seeded by it."""

    def __init__(self, near: int, hold: Hold, state: int) -> None:
        self._near = near
        self._hold = hold
        self._state = state
        self._children: set[int] = set()
        self._given: dict[int, tuple[object, list[object]]] = {}

    def owns(self, seed: Any) -> bool:
        """Return whether a generator with this seed is one of them."""
        seed = getattr(seed, "entropy", seed)  # of a SeedSequence
        if isinstance(seed, str):
            return str(self._near) in seed
        if isinstance(seed, list | tuple) or bool(getattr(seed, "shape", None)):
            return len(seed) < MOST_ELEMENTS and any(map(self.owns, seed))
        try:
            number = seed.__index__()
        except (AttributeError, TypeError):
            return False
        return abs(number - self._near) < NEAR or number in self._children

    def draw(
        self,
        generator: Any,
        name: str,
        real: Callable[[], Any],
        reset: Callable[[Any, int], object],
    ) -> Any:
        """Return what a method of a generator gives, by the real one, which may be held."""
        generator._is_drawing = True  # what a method draws by others belongs to it
        try:
            if self._hold:
                reset(generator, self._state)
            value = real()
        finally:
            generator._is_drawing = False
        is_array = getattr(value, "ndim", 0) > 0 and value.size > 0
        if self._hold == "numbers" and is_array and name not in _PERMUTING:
            value[...] = value.flat[0]
        self._note(generator, name, value)
        return value

    def _note(self, generator: object, name: str, value: Any) -> None:
        elements = value.ravel()[:MOST_ELEMENTS].tolist() if hasattr(value, "ravel") else [value]
        given = self._given.setdefault(id(generator), (generator, []))[1]
        given += [name] if value is None else elements
        self._children |= {n for n in elements if type(n) is int and n >= SMALLEST}

    def digest(self) -> list[object]:
        """Return how many numbers all of them gave, and a digest of them."""
        given = sorted(repr(numbers) for _, numbers in list(self._given.values()))
        count = sum(len(numbers) for _, numbers in list(self._given.values()))
        return [count, hashlib.sha256("".join(given).encode()).hexdigest()]


def _method(name: str, real: Any, reset: Callable[[Any, int], object], drawn: Drawn) -> Any:
    """Return the method of a stand-in: the real one, unless its generator is watched or held."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not getattr(self, "_is_ours", False) or getattr(self, "_is_drawing", False):
            return real(self, *args, **kwargs)
        return drawn.draw(self, name, partial(real, self, *args, **kwargs), reset)

    return method


def _draws(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the methods of a class of generators that draw, by name."""
    for name in dir(cls):
        if not name.startswith("_") and name not in _OTHERS and callable(getattr(cls, name)):
            yield name, getattr(cls, name)


@contextmanager
def of_python(drawn: Drawn) -> Iterator[None]:
    """Replace the methods of `random.Random`; a random number of the module is none of them."""
    cls: Any = random.Random
    real_seed = cls.seed

    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        real_seed(self, a, version)
        self._is_ours = drawn.owns(a)

    own = {name: vars(cls)[name] for name in (*dict(_draws(cls)), "seed") if name in vars(cls)}
    methods = {name: _method(name, real, real_seed, drawn) for name, real in _draws(cls)}
    try:
        for name, made in {**methods, "seed": seed}.items():
            setattr(cls, name, made)
        yield
    finally:
        for name in (*methods, "seed"):
            if name in own:
                setattr(cls, name, own[name])
            else:
                delattr(cls, name)  # it is that of the class in C


@contextmanager
def of_numpy(drawn: Drawn) -> Iterator[None]:
    """Replace NumPy's classes of generators in all modules, which make subclasses of them then."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        yield
        return
    legacy, modern, make = (
        numpy.random.RandomState,
        numpy.random.Generator,
        numpy.random.default_rng,
    )
    standin_legacy, standin_modern = _legacy(legacy, drawn), _modern(modern, drawn)

    def default_rng(seed: Any = None) -> Any:
        made = make(seed)
        return made if made is seed else standin_modern(made.bit_generator)

    standins = ((legacy, standin_legacy), (modern, standin_modern), (make, default_rng))
    with ExitStack() as stack:
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                for real, standin in standins:
                    if value is real:
                        stack.enter_context(replaced(module, **{name: standin}))
        yield


def _kind(real: type) -> type[type]:
    """Return the class of a stand-in, of which the real generators are instances, too."""

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    return Kind


def _legacy(real: Any, drawn: Drawn) -> Any:
    def seed(self: Any, seed: Any = None) -> None:
        real.seed(self, seed)
        self._is_ours = drawn.owns(seed)

    def initialise(self: Any, seed: Any = None) -> None:
        real.__init__(self, seed)
        self._is_ours = drawn.owns(seed)

    methods = {name: _method(name, method, real.seed, drawn) for name, method in _draws(real)}
    return _kind(real)("RandomState", (real,), {**methods, "__init__": initialise, "seed": seed})


def _modern(real: Any, drawn: Drawn) -> Any:
    def initialise(self: Any, bit_generator: Any) -> None:
        real.__init__(self, bit_generator)
        self._is_ours = drawn.owns(getattr(bit_generator, "seed_seq", None))

    def reset(generator: Any, state: int) -> None:
        bits = generator.bit_generator
        bits.state = type(bits)(state).state

    methods = {name: _method(name, method, reset, drawn) for name, method in _draws(real)}
    return _kind(real)("Generator", (real,), {**methods, "__init__": initialise})
