"""One hostile kind as data: its source, and how its verdict has to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

__all__ = ["Kind", "Reading", "bare", "kind"]

#: How a reading is written down.
_SHAPE = re.compile(r"(?P<verdict>[A-Z_]+)(?: (?P<reason>\w+))?(?:: (?P<words>.+))?")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the verdict of a case may read: `LOST crash: exit code 3`, `DIFFERENT: pickle`, `EQUAL`.

    Behind the colon is a regular expression that the message of the case has to match.
    """

    text: str

    def fits(self, verdict: str, reason: str | None, message: str) -> bool:
        """Return whether what was said of a case is this."""
        shape = _SHAPE.fullmatch(self.text)
        assert shape is not None, self.text
        if verdict != shape["verdict"] or (shape["reason"] or reason) != reason:
            return False
        return shape["words"] is None or bool(re.search(shape["words"], message, re.I))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way for a case to be hostile.

    `body` runs instead of the case, with its number `n`, in a worker only (`is_everywhere`: in the
    serial run, too); where it comes to its end the case returns what it should. `top` stands at the
    top of the test module. `survived` is how the case may read for the experiment to be survived,
    `own` for it to be the own doing of the case, `spoils` how its neighbours may read then, where
    it takes from them what nobody can give back. `patience` is the seconds that it may take
    beyond others: those that a worker has on purpose. With `is_every`, all cases are such.
    `ends_pytest`
    is the exit code of pytest which a result that is loaded may cause. `escapes` marks a process
    that leaves its session on purpose, `leaves` how the names of files begin that the case itself
    does not remove. `needs` is a module that has to be installed.
    """

    name: str
    group: str
    body: str
    top: str = ""
    survived: tuple[Reading, ...]
    own: tuple[Reading, ...] = ()
    spoils: tuple[Reading, ...] = ()
    timeout: float | None = None
    patience: float = 0.0
    on_threads: bool = False
    is_everywhere: bool = False
    is_every: bool = False
    is_ours: bool = False
    ends_pytest: int | None = None
    escapes: bool = False
    needs: str = ""
    leaves: str = ""


def kind(
    group: str,
    name: str,
    body: str,
    *survived: str,
    own: tuple[str, ...] = (),
    spoils: tuple[str, ...] = (),
    top: str = "",
    timeout: float | None = None,
    patience: float = 0.0,
    on_threads: bool = False,
    is_everywhere: bool = False,
    is_every: bool = False,
    is_ours: bool = False,
    ends_pytest: int | None = None,
    escapes: bool = False,
    needs: str = "",
    leaves: str = "",
) -> Kind:
    """Write a kind down."""
    return Kind(
        name=name,
        group=group,
        body=bare(body),
        top=bare(top),
        survived=tuple(map(Reading, survived)),
        own=tuple(map(Reading, own)),
        spoils=tuple(map(Reading, spoils)),
        timeout=timeout,
        patience=patience,
        on_threads=on_threads,
        is_everywhere=is_everywhere,
        is_every=is_every,
        is_ours=is_ours,
        ends_pytest=ends_pytest,
        escapes=escapes,
        needs=needs,
        leaves=leaves,
    )


def bare(source: str) -> str:
    """Return source without the indentation of where it is written."""
    return dedent(source).strip("\n")
