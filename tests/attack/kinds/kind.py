"""One hostile kind as data: its source, and the verdicts that are accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

__all__ = ["UNREPORTED", "Kind", "Reading", "bare", "kind"]

#: What a nanny says of a worker that ended with exit code 0: nothing.
UNREPORTED = ("LOST crash: exit code is unknown",)

#: The syntax of a reading.
_SHAPE = re.compile(r"(?P<verdict>[A-Z_]+)(?: (?P<reason>\w+))?(?:: (?P<words>.+))?")


@dataclass(frozen=True, slots=True)
class Reading:
    """An accepted verdict of a case: `LOST crash: exit code 3`, `DIFFERENT: pickle`, `EQUAL`.

    After the colon is a regular expression that the message of the case must match.
    """

    text: str

    def fits(self, verdict: str, reason: str | None, message: str) -> bool:
        """Return whether a case has this verdict and a matching message."""
        shape = _SHAPE.fullmatch(self.text)
        assert shape is not None, self.text
        if verdict != shape["verdict"] or (shape["reason"] or reason) != reason:
            return False
        return shape["words"] is None or bool(re.search(shape["words"], message, re.I))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way for a case to be hostile.

    `body` runs instead of the case, with its number `n`, only in workers (`is_everywhere`: also in
    the serial run); if it completes, the case returns the right value. `top` is source for the top
    of the test module. `survived` are the readings with which the experiment is survived, `own`
    those that are the case's own doing, and `spoils` those of its neighbours where it destroys
    something of theirs for good. `joined` are further ones with which it is survived on a cluster
    that is joined: its nannies do not say everything. `patience` is additional time in seconds, for
    waits of a worker that are on purpose. With `is_every`, all cases are hostile. `ends_pytest` is
    the exit code of pytest that loading the result may cause. `escapes` marks a process that leaves
    its session on purpose. `leaves` are prefixes of files that the case itself does not remove.
    `needs` is a module that must be installed, `only` a part of the names of the backends on which
    it makes sense.
    """

    name: str
    group: str
    body: str
    top: str = ""
    survived: tuple[Reading, ...]
    own: tuple[Reading, ...] = ()
    spoils: tuple[Reading, ...] = ()
    joined: tuple[Reading, ...] = ()
    timeout: float | None = None
    patience: float = 0.0
    on_threads: bool = False
    is_everywhere: bool = False
    is_every: bool = False
    is_ours: bool = False
    ends_pytest: int | None = None
    escapes: bool = False
    needs: str = ""
    only: str = ""
    leaves: str = ""


def kind(
    group: str,
    name: str,
    body: str,
    *survived: str,
    own: tuple[str, ...] = (),
    spoils: tuple[str, ...] = (),
    joined: tuple[str, ...] = (),
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
    only: str = "",
    leaves: str = "",
) -> Kind:
    """Return a kind with its readings parsed."""
    return Kind(
        name=name,
        group=group,
        body=bare(body),
        top=bare(top),
        survived=tuple(map(Reading, survived)),
        own=tuple(map(Reading, own)),
        spoils=tuple(map(Reading, spoils)),
        joined=tuple(map(Reading, joined)),
        timeout=timeout,
        patience=patience,
        on_threads=on_threads,
        is_everywhere=is_everywhere,
        is_every=is_every,
        is_ours=is_ours,
        ends_pytest=ends_pytest,
        escapes=escapes,
        needs=needs,
        only=only,
        leaves=leaves,
    )


def bare(source: str) -> str:
    """Return source without its common indentation."""
    return dedent(source).strip("\n")
