"""Probes for the state of pytest's process that workers do not have."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from ...model.causes import Cause
from ...transport.payload import Around
from .bench import ALONE, Experiment, Side
from .contexts import Context, read_context
from .globals import Globals, globals_of, read_globals
from .laboratory import FORK, SEEDS, Laboratory

#: Most globals that are tried.
MOST_TRIED = 200

#: How often each is tried in each process.
TWICE = 2

CONTEXT = "with the context of pytest's process"
GLOBALS = "with the globals of pytest's process"


def _contexts() -> dict[str, Around]:
    """Return the treatments by the context of this process: all of it, then each part by name."""
    here = read_context()
    return {"": Context(here), **{name: Context({name: here[name]}) for name in here}}


def _globals(lab: Laboratory) -> dict[str, Around]:
    """Return the same by the globals that the case names, the nearest ones."""
    if lab.function is None:
        return {}
    here = read_globals(tuple(dict.fromkeys(islice(globals_of(lab.function), MOST_TRIED))))
    return {"": Globals(here), **{".".join(one): Globals({one: here[one]}) for one in here}}


def _series(lab: Laboratory, label: str, treatments: Mapping[str, Around]) -> list[Experiment]:
    return [
        one
        for name, treatment in treatments.items()
        for one in lab.series(
            f"{label}: {name}" if name else label,
            count=TWICE,
            treatment=treatment,
        )
    ]


def context(lab: Laboratory) -> Cause | None:
    """Find out whether an option of a library, or of the process, makes the serial result."""
    found = _flipping(lab, CONTEXT, _contexts()) if lab.is_in_question() else None
    if found is None:
        return None
    _note_sides(lab, CONTEXT, _contexts())
    is_threaded = lab.difference.is_threaded
    name, process = (
        ("THREAD_CONTEXT", "main thread") if is_threaded else ("CONTEXT_NOT_PROPAGATED", "process")
    )
    return lab.cause(
        name,
        found,
        f"the {found} was changed in pytest's {process}, and workers do not have that: with it, a "
        f"fresh process gives the serial result, without it the parallel one",
        "set it in the case, or in a fixture of function scope",
        confirmed=True,
    )


def global_state(lab: Laboratory) -> Cause | None:
    """Find out whether a global that was changed after import makes the serial result."""
    found = _flipping(lab, GLOBALS, _globals(lab)) if lab.is_in_question() else None
    if found is None:
        return None
    treatments = _globals(lab)
    is_single = found in treatments
    label, name = (f"{GLOBALS}: {found}", found) if is_single else (GLOBALS, "")
    _note_sides(lab, label, {"": treatments[name]})
    return lab.cause(
        "GLOBAL_STATE_NOT_PROPAGATED",
        found,
        f"{found} was changed in pytest's process after the import, and workers import the "
        f"module anew: with it, a fresh process gives the serial result, without it the "
        f"parallel one",
        "pass the value as an argument or by a fixture",
        confirmed=True,
    )


def _note_sides(lab: Laboratory, label: str, treatments: Mapping[str, Around]) -> None:
    changed = lab.experiment(label, treatment=treatments[""])
    lab.sides = Side("with it", changed), Side("without it", lab.experiment(ALONE))


def _flipping(lab: Laboratory, label: str, treatments: Mapping[str, Around]) -> str | None:
    """Return the part of the state that makes the serial result; None if there is none.

    Of globals, a single part is tried where all together fail: those of libraries may not be set.
    """
    experiments = _series(lab, label, treatments)
    together, parts = experiments[:TWICE], experiments[TWICE:]
    is_together = lab.each(lab.are_serial, together)
    if not is_together and label != GLOBALS:
        return None
    lab.measure(parts[::TWICE], SEEDS[:1])  # what is not changed there is not run
    pairs = [parts[at : at + TWICE] for at in range(0, len(parts), TWICE)]
    names = [name for name in treatments if name]
    each = zip(names, pairs, strict=True)
    found = (name for name, pair in each if lab.each(lab.are_serial, pair))
    return next(found, "several values together" if is_together else None)


def isolation(lab: Laboratory) -> Cause | None:
    """Find out whether a fork of pytest's process gives the serial result, and no fresh one does.

    Which part of its state that is, no other probe has found.
    """
    if lab.difference.is_threaded or not lab.is_in_question():
        return None
    forks = lab.series("in a fork of pytest's process", count=TWICE)
    if not lab.are_serial(lab.in_fork(forks)):
        return None
    lab.sides = (
        Side("in a fork of pytest's process", forks[0], FORK),
        Side("in a fresh process", lab.experiment(ALONE)),
    )
    return lab.cause(
        "PROCESS_ISOLATION",
        "",
        "a fork of pytest's process gives the serial result, and each fresh process the parallel "
        "one: the case needs something of pytest's process that none of the experiments found",
        "make what the case needs in the case, or in a fixture of function scope",
    )
