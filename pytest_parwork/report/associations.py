"""What the cases of a run that differ have in common: worker, place in it, and what values hold."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import comb

from ..model.outcome import Verdict
from .entries import CaseEntry
from .figures import counted

#: The likelihood that cases which differ by chance would lie like this.
DOUBT = 0.01

#: Fewer cases than this say nothing by where they lie.
FEWEST = 2

#: What is made anew by each process or call, by the sign of it in the text of a value.
SIGNS: Mapping[str, re.Pattern[str]] = {
    "addresses of objects": re.compile(r"\b0x[0-9a-f]{7,}\b"),
    "names of threads": re.compile(r"\b(ThreadPoolExecutor|Thread|Dummy|ForkPoolWorker)-\d+"),
    "times": re.compile(r"\b20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d|\b1[6-9]\d{8}\.\d{3,}"),
    "temporary paths": re.compile(re.escape(tempfile.gettempdir()) + r"/\w"),
}


def associations(cases: Sequence[CaseEntry]) -> Iterator[str]:
    """Yield what the differing cases of a run have in common, where chance hardly explains it."""
    compared = [one for one in cases if one.verdict in (Verdict.EQUAL, Verdict.DIFFERENT)]
    different = [one for one in compared if one.verdict is Verdict.DIFFERENT]
    if not different:
        return
    yield from _signs(different)
    workers = _by_worker(compared)
    if len(different) < FEWEST or len(workers) < 2:
        return
    yield from _worker(workers, different, len(compared))
    yield from _place(workers, different)
    if text := _same_stream(workers):
        yield text


def _signs(different: Sequence[CaseEntry]) -> Iterator[str]:
    """Say what all differing values hold that no two calls have alike."""
    pairs = [
        [(first.actual, one.process), (first.expected, None)]
        for one in different
        if (first := next(iter(one.mismatches), None)) is not None
    ]
    if not pairs:
        return
    for name, sign in SIGNS.items():
        if all(sign.search(text) for pair in pairs for text, _ in pair):
            yield f"all values that differ hold {name}"
    actual = [pair[0] for pair in pairs]
    if all(process and re.search(rf"(?<!\d){process}(?!\d)", text) for text, process in actual):
        yield "each value that differs holds the id of its worker process"


def _by_worker(compared: Sequence[CaseEntry]) -> Mapping[int, list[CaseEntry]]:
    """Return the cases of each worker, in the order in which it ran them."""
    found: dict[int, list[CaseEntry]] = defaultdict(list)
    for one in compared:
        if one.worker is not None and one.interval is not None:
            found[one.worker].append(one)
    for each in found.values():
        each.sort(key=lambda one: one.interval or (0.0, 0.0, 0.0))
    return found


def _worker(
    workers: Mapping[int, list[CaseEntry]], different: Sequence[CaseEntry], compared: int
) -> Iterator[str]:
    places = {one.worker for one in different}
    worker = next(iter(places))
    if len(places) != 1 or worker is None:
        return
    ran = len(workers[worker])
    if (ran / compared) ** len(different) < DOUBT:
        yield (
            f"all {len(different)} cases that differ ran on worker {worker}, which ran {ran} of "
            f"{counted(compared, 'case')}"
        )


def _place(workers: Mapping[int, list[CaseEntry]], different: Sequence[CaseEntry]) -> Iterator[str]:
    """Say whether the first cases of the workers, or all others, are those that differ."""
    known = {id(one) for one in different}
    firsts = [id(each[0]) for each in workers.values()]
    others = [id(one) for each in workers.values() for one in each[1:]]
    if not others or comb(len(firsts) + len(others), len(known)) < 0.1 / DOUBT:
        return  # so few cases lie like this by chance
    if known == set(others):
        yield "the first case of each worker is equal, and each further one differs"
    elif known == set(firsts):
        yield "the first case of each worker differs, and no other one"
    elif known == _edges(workers) and 2 * len(known) <= len(firsts) + len(others):
        yield (
            f"the {len(known)} cases that differ are those before which their worker had not just "
            f"run the case before: they lie at the edges of batches"
        )


def _edges(workers: Mapping[int, list[CaseEntry]]) -> set[int]:
    """Return the cases, by identity, whose predecessor ran in another worker, or not just before.

    The very first case has none, and nothing that it could miss.
    """
    pairs = (
        pair for each in workers.values() for pair in zip([None, *each[:-1]], each, strict=True)
    )
    return {
        id(one)
        for before, one in pairs
        if one.index and (before is None or before.index != one.index - 1)
    }


def _same_stream(workers: Mapping[int, list[CaseEntry]]) -> str:
    """Say whether workers gave the same values one after the other, which are not so serially."""
    streams = [
        [(one.mismatches[0].actual, one.mismatches[0].expected) for one in each if one.mismatches]
        for each in workers.values()
    ]
    length = min(map(len, streams))
    if length < FEWEST:
        return ""
    actual = {tuple(text for text, _ in each[:length]) for each in streams}
    expected = {tuple(text for _, text in each[:length]) for each in streams}
    if len(actual) > 1 or len(expected) < len(streams) or len(set(next(iter(actual)))) == 1:
        return ""
    return (
        f"{len(streams)} workers gave the same {length} values one after the other: each begins "
        f"the same stream, as of random numbers"
    )
