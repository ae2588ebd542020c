"""The causes of differences, as a diagnosis finds them."""

from __future__ import annotations

from collections.abc import Iterator

from .dataclass import dataclass
from .printable import make_printable, printable

#: What stands in place of a cause where none was found: it is not suspected of anything.
NO_CAUSES = ("UNEXPLAINED", "UNREPRODUCED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause of differences, with the ids of the cases that it explains.

    `name` is one of an open set (`GLOBAL_RNG`, `WORKER_HISTORY`), `detail` narrows it down, such as
    `numpy.random`. A cause is `confirmed` if a probe has shown it, else suspected. `evidence`
    describes the finding, `probes` are the experiments that were run for it, in order, and `remedy`
    is the advice to the user. `line` says where the two executions part that showed it, `calls`
    which calls of the system gave them other answers, if that was seen. `not_run` are the probes
    for which the diagnosis had no time.
    """

    name: str
    detail: str = ""
    confirmed: bool = False
    cases: tuple[str, ...] = ()
    evidence: str = ""
    remedy: str = ""
    probes: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    line: str = ""
    calls: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """The page of the documentation on it."""
        return f"docs/causes/{self.name.lower()}.md"

    def __post_init__(self) -> None:
        make_printable(self, "name", "detail", "evidence", "remedy", "line")
        for name in ("cases", "probes", "not_run", "calls"):
            object.__setattr__(self, name, tuple(map(printable, getattr(self, name))))

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield the rows for messages: the cause, the evidence for it, the remedy, its page."""
        yield "cause", str(self)
        yield "evidence", self.evidence
        if self.line:
            yield "line", self.line
        yield from (("call", one) for one in self.calls)
        if self.not_run:
            yield "not run", f"no time was left for {', '.join(self.not_run)}"
        if self.remedy:
            yield "remedy", self.remedy
        yield "page", self.page

    def __str__(self) -> str:
        """Return the text for reports: `GLOBAL_RNG (numpy.random), confirmed`."""
        detail = f" ({self.detail})" if self.detail else ""
        if self.name in NO_CAUSES:
            return f"{self.name}{detail}"
        return f"{self.name}{detail}, {'confirmed' if self.confirmed else 'suspected'}"
