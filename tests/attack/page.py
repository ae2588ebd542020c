"""The tables of docs/reliability.md, made of the reports in docs/reliability."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .peers import PEERS
from .reports import Report, load
from .table import VERDICTS, Result, as_markdown

__all__ = ["PAGE", "REPORTS", "rendered", "reports_in", "write_page"]

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
REPORTS = PAGE.with_suffix("")

#: The lines around what is made.
BEGIN, END = "<!-- made by `python -m attack --page` -->", "<!-- end of what is made -->"

#: Longest reason of a fault, in characters.
LONGEST = 160


@dataclass(slots=True)
class Row:
    """All that was measured of a backend, or of a peer, with one Python."""

    round: int = 0
    seeds: dict[int, None] = field(default_factory=dict)
    commits: dict[str, dict[int, list[Result]]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)

    @property
    def rounds(self) -> str:
        """How many rounds that is: all experiments once are one."""
        return f"{len(self.results) / self.round:.2g}"

    @property
    def in_a_row(self) -> int:
        """The most whole rounds without a fault, of one commit, whose seeds follow each other."""
        most = 0
        for by_seed in self.commits.values():
            last, count = -1, 0
            for seed, results in sorted(by_seed.items()):
                is_whole = len({one.name for one in results}) == self.round
                is_right = is_whole and all(one.verdict != "fault" for one in results)
                count = (count if seed == last + 1 else 0) + 1 if is_right else 0
                last, most = seed, max(most, count)
        return most


#: The rows by Python and backend.
Rows = Mapping[tuple[str, str], Row]


def reports_in(folder: Path) -> list[Report]:
    """Return the reports in a folder."""
    return [load(path) for path in sorted(folder.glob("*.json"))]


def write_page(page: Path) -> None:
    """Write the tables into a page, between the lines that mark their place."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"{page} has no place for the tables: lines {BEGIN!r} and {END!r}")
    made = rendered(reports_in(page.with_suffix("")))
    page.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")


def rendered(reports: Sequence[Report]) -> str:
    """Return everything that reports say, in Markdown."""
    rows = _rows_of(reports)
    ours = {place: row for place, row in rows.items() if place[1] not in PEERS}
    return "\n\n".join(
        [
            "### What was run",
            _measured(ours),
            *_faults(ours),
            "### By group",
            *_by_group(ours),
            *_peers(rows),
        ]
    )


def _rows_of(reports: Sequence[Report]) -> Rows:
    rows: defaultdict[tuple[str, str], Row] = defaultdict(Row)
    for report in reports:
        for result in report.results:
            row = rows[report.ran.python, result.backend]
            row.round = report.ran.rounds[result.backend]
            row.seeds[result.seed] = None
            row.commits.setdefault(report.ran.commit, {}).setdefault(result.seed, []).append(result)
            row.results.append(result)
    return dict(sorted(rows.items(), key=lambda item: (_number(item[0][0]), item[0][1])))


def _number(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split(".") if part.isdecimal())


def _measured(rows: Rows) -> str:
    lines = [
        "| backend | Python | seed | rounds | experiments | survived | own doing | fault "
        "| rounds in a row without fault | code |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for (python, backend), row in rows.items():
        counts = Counter(result.verdict for result in row.results)
        cells = [
            f"`{backend}`",
            python,
            ", ".join(map(str, row.seeds)),
            row.rounds,
            f"{len(row.results)} of {row.round}",
            *(str(counts[verdict]) for verdict in VERDICTS),
            str(row.in_a_row),
            ", ".join(f"`{commit}`" for commit in row.commits if commit),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _faults(rows: Rows) -> Iterator[str]:
    """Yield the faults, each with its first reason."""
    found = [
        f"- `{one.id}` (Python {python}, seed {one.seed}): {_reason(one)}"
        for (python, _), row in rows.items()
        for one in row.results
        if one.verdict == "fault"
    ]
    if found:
        yield "The faults:"
        yield "\n".join(found)


def _reason(result: Result) -> str:
    text = " ".join(result.reasons[0].split()) if result.reasons else "no reason"
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"`{text.replace('`', chr(39))}`"


def _by_group(rows: Rows) -> Iterator[str]:
    yield "Each cell counts *survived / own doing / fault*, of all that was run."
    for python in dict.fromkeys(python for python, _ in rows):
        results = [one for place, row in rows.items() if place[0] == python for one in row.results]
        yield f"Python {python}:"
        yield as_markdown(sorted(results, key=lambda one: one.group))


def _peers(rows: Rows) -> Iterator[str]:
    """Yield a table for each Python with which peers were run: the experiments that all ran."""
    for python in dict.fromkeys(python for python, name in rows if name in PEERS):
        here = {name: row for (of, name), row in rows.items() if of == python}
        peers = {name: row for name, row in here.items() if name in PEERS}
        met = set(_met(peers))
        if not met:
            continue
        ours = [n for n in here if n not in PEERS and met <= {r.name for r in here[n].results}]
        kept = [one for name in [*peers, *ours] for one in here[name].results if one.name in met]
        seeds = dict.fromkeys(seed for row in peers.values() for seed in row.seeds)
        yield "### The peers"
        size = max(row.round for row in peers.values())
        ran = (
            f"Python {python}, seed {', '.join(map(str, seeds))}: {len(met)} of {size} experiments"
        )
        yield f"{ran}. All peers to which they apply have run them, and so have these backends."
        yield as_markdown(sorted(kept, key=lambda one: one.group))


def _met(peers: Mapping[str, Row]) -> Iterator[str]:
    """Yield the experiments of a group that all peers have run which have run any of the group."""
    groups = dict.fromkeys(one.group for row in peers.values() for one in row.results)
    for group in groups:
        sets = [{one.name for one in row.results if one.group == group} for row in peers.values()]
        yield from set.intersection(*filter(None, sets))
