"""Probes for the state of pytest's process that workers do not have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType, ModuleType

from ...model.causes import Cause
from ...transport.payload import Around
from .bench import Experiment
from .contexts import Context, read_context, reading_context
from .laboratory import Laboratory
from .treatments import Globals, ReadGlobals, read_globals

#: Most globals that are read, and most that are tried.
MOST_READ, MOST_TRIED = 200, 6

READ_CONTEXT = "read the context of a fresh process"
READ_GLOBALS = "read the globals of a fresh process"


def state_experiments(lab: Laboratory) -> list[Experiment]:
    """Return the experiments that read the state of a fresh process."""
    return [*_reading_globals(lab), lab.experiment(READ_CONTEXT, treatment=reading_context)]


def _reading_globals(lab: Laboratory) -> list[Experiment]:
    if lab.function is None:
        return []
    names = list(dict.fromkeys(_globals_of(lab.function)))[:MOST_READ]
    return [lab.experiment(READ_GLOBALS, treatment=ReadGlobals(tuple(names)))]


def context(lab: Laboratory) -> Cause | None:
    """Find out whether an option of a library, or of the process, makes the serial result."""
    if not _is_state_in_question(lab):
        return None
    here = read_context()
    there = lab.outcomes(lab.experiment(READ_CONTEXT, treatment=reading_context))[0].value
    if not isinstance(there, dict):
        return None
    changed = {n: v for n, v in here.items() if n in there and there[n] != v}
    found = _flipping(lab, {name: Context({name: value}) for name, value in changed.items()})
    if found is None:
        return None
    is_threaded = lab.difference.is_threaded
    return lab.cause(
        "THREAD_CONTEXT" if is_threaded else "CONTEXT_NOT_PROPAGATED",
        found,
        f"the {found} was changed in pytest's {'main thread' if is_threaded else 'process'}, and "
        f"workers do not have that: with it, a fresh process gives the serial result, without it "
        f"the parallel one",
        "set it in the case, or in a fixture of function scope",
        confirmed=True,
    )


def global_state(lab: Laboratory) -> Cause | None:
    """Find out whether a global that was changed after import makes the serial result."""
    if not _is_state_in_question(lab):
        return None
    for reading in _reading_globals(lab):
        assert isinstance(reading.treatment, ReadGlobals)
        here = read_globals(reading.treatment.names)
        there = lab.outcomes(reading)[0].value
        if not isinstance(there, dict):
            return None
        changed = [one for one in here if here[one] != there.get(one)][:MOST_TRIED]
        found = _flipping(lab, {".".join(one): Globals({one: here[one]}) for one in changed})
        if found is not None:
            return lab.cause(
                "GLOBAL_STATE_NOT_PROPAGATED",
                found,
                f"{found} was changed in pytest's process after the import, and workers import the "
                f"module anew: with it, a fresh process gives the serial result, without it the "
                f"parallel one",
                "pass the value as an argument or by a fixture",
                confirmed=True,
            )
    return None


def _flipping(lab: Laboratory, treatments: Mapping[str, Around]) -> str | None:
    """Return the treatment with which a fresh process gives the serial result, None if none."""
    tried = {
        name: lab.series(f"with {name} of pytest's process", count=2, treatment=treatment)
        for name, treatment in treatments.items()
    }
    lab.measure([one for pair in tried.values() for one in pair])
    flipping = (
        name
        for name, pair in tried.items()
        if all(lab.are_serial(lab.outcomes(one)) for one in pair)
    )
    return next(flipping, None)


def _is_state_in_question(lab: Laboratory) -> bool:
    """Return whether a fresh process gives the parallel result, and not the serial one."""
    alone = lab.alone()
    return lab.is_stable() and lab.are_parallel(alone) and not lab.are_serial(alone)


def _globals_of(function: Callable[..., object]) -> Iterator[tuple[str, str]]:
    """Yield module and name of each global that the code of a function names, and so on.

    Functions and classes of modules that are not installed are followed.
    """
    waiting: list[object] = [inspect.unwrap(function)]
    seen: set[object] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, FunctionType) or one in seen:
            continue
        seen.add(one)
        module = sys.modules.get(one.__module__)
        if module is None or vars(module) is not one.__globals__:
            continue
        for name in _names(one.__code__):
            value = one.__globals__.get(name, waiting)
            if isinstance(value, FunctionType):
                waiting.append(inspect.unwrap(value))
            elif isinstance(value, type):
                waiting += [part for part in vars(value).values() if callable(part)]
            elif isinstance(value, ModuleType):
                waiting += _functions_named(value, one.__code__)
                yield from _values_named(value, one.__code__)
            elif value is not waiting:
                yield one.__module__, name


def _functions_named(module: ModuleType, code: CodeType) -> Sequence[object]:
    return [vars(module)[name] for name in _names(code) if name in vars(module)]


def _values_named(module: ModuleType, code: CodeType) -> Iterator[tuple[str, str]]:
    """Yield the plain values of a module that the code names, as in `settings.SCALE`."""
    for name in _names(code):
        value = vars(module).get(name, module)
        if not (isinstance(value, type | ModuleType) or callable(value)):
            yield module.__name__, name


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)
