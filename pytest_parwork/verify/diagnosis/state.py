"""Probes for the state of pytest's process that workers do not have."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from ...model.causes import Cause
from ...transport.payload import Around
from .bench import Experiment
from .contexts import Context, changed_context, read_context, reading_context
from .globals import Globals, Place, ReadGlobals, globals_of, read_globals
from .laboratory import ExhaustedError, Laboratory

#: Most globals that are read, and most that are tried one by one.
MOST_READ, MOST_TRIED = 200, 12

#: How often each is tried in each process.
TWICE = 2

READ_CONTEXT = "read the context of a fresh process"
READ_GLOBALS = "read the globals of a fresh process"
ALL_CONTEXT = "with the context of pytest's process"
ALL_GLOBALS = "with the globals of pytest's process"


def state_experiments(lab: Laboratory) -> list[Experiment]:
    """Return the experiments that read the state of a fresh process, or replace all of it."""
    return [
        lab.experiment(READ_CONTEXT, treatment=reading_context),
        *lab.series(ALL_CONTEXT, count=TWICE, treatment=Context(read_context())),
        lab.experiment(READ_GLOBALS, treatment=ReadGlobals(_names(lab))),
        *lab.series(ALL_GLOBALS, count=TWICE, treatment=Globals(read_globals(_names(lab)))),
    ]


def _names(lab: Laboratory) -> tuple[Place, ...]:
    """Return the globals that the case names, the nearest ones."""
    if lab.function is None:
        return ()
    return tuple(dict.fromkeys(islice(globals_of(lab.function), MOST_READ)))


def context(lab: Laboratory) -> Cause | None:
    """Find out whether an option of a library, or of the process, makes the serial result."""
    if not lab.is_in_question():
        return None
    reading, *replacing = state_experiments(lab)[: TWICE + 1]
    there = lab.outcomes(reading)[0].value
    if not _are_serial(lab, replacing) or not isinstance(there, dict):
        return None
    changed = changed_context(read_context(), there)
    found = _flipping(lab, {name: Context({name: value}) for name, value in changed.items()})
    is_threaded = lab.difference.is_threaded
    name, process = (
        ("THREAD_CONTEXT", "main thread") if is_threaded else ("CONTEXT_NOT_PROPAGATED", "process")
    )
    return lab.cause(
        name,
        found or "several",
        f"the {found or 'context'} was changed in pytest's {process}, and workers do not have "
        f"that: with it, a fresh process gives the serial result, without it the parallel one",
        "set it in the case, or in a fixture of function scope",
        confirmed=True,
    )


def global_state(lab: Laboratory) -> Cause | None:
    """Find out whether a global that was changed after import makes the serial result."""
    if not lab.is_in_question():
        return None
    reading, *replacing = state_experiments(lab)[TWICE + 1 :]
    there = lab.outcomes(reading)[0].value
    if not _are_serial(lab, replacing) or not isinstance(there, dict):
        return None
    here = read_globals(_names(lab))
    changed = [one for one in here if here[one] != there.get(one)]
    tried = {".".join(one): Globals({one: here[one]}) for one in changed[:MOST_TRIED]}
    found = _flipping(lab, tried) or ", ".join(tried)
    return lab.cause(
        "GLOBAL_STATE_NOT_PROPAGATED",
        found,
        f"{found} was changed in pytest's process after the import, and workers import the "
        f"module anew: with it, a fresh process gives the serial result, without it the "
        f"parallel one",
        "pass the value as an argument or by a fixture",
        confirmed=True,
    )


def _flipping(lab: Laboratory, treatments: Mapping[str, Around]) -> str | None:
    """Return the treatment with which a fresh process gives the serial result, None if none."""
    if len(treatments) == 1:
        return next(iter(treatments))  # the only one of those that have given it together
    tried = {
        name: lab.series(f"with {name} of pytest's process", count=TWICE, treatment=treatment)
        for name, treatment in treatments.items()
    }
    with suppress(ExhaustedError):  # then all of them are named
        lab.measure([one for pair in tried.values() for one in pair])
        return next((name for name, pair in tried.items() if _are_serial(lab, pair)), None)
    return None


def _are_serial(lab: Laboratory, experiments: list[Experiment]) -> bool:
    return all(lab.are_serial(lab.outcomes(one)) for one in experiments)


def isolation(lab: Laboratory) -> Cause | None:
    """Find out whether a fork of pytest's process gives the serial result, and no fresh one does.

    Which part of its state that is, no other probe has found.
    """
    if lab.difference.is_threaded or not lab.is_in_question():
        return None
    if not lab.are_serial(lab.in_fork(lab.series("in a fork of pytest's process", count=TWICE))):
        return None
    return lab.cause(
        "PROCESS_ISOLATION",
        "",
        "a fork of pytest's process gives the serial result, and each fresh process the parallel "
        "one: the case needs something of pytest's process that none of the experiments found",
        "make what the case needs in the case, or in a fixture of function scope",
    )
