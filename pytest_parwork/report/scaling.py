"""The speed of a workload by its number of workers: speed-up, efficiency, serial share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model.dataclass import dataclass
from .data import RunReport
from .figures import duration, percent, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The speed of one run: seconds with so many workers, and ratios.

    `karp_flatt` is the experimentally determined serial fraction, (1/speed-up - 1/p) / (1 - 1/p)
    with p workers (Karp and Flatt, CACM 33 (1990) 539-543): if it grows with p, overhead does.
    """

    label: str
    workers: int
    seconds: float
    speedup: float
    efficiency: float
    karp_flatt: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """The speed of a workload by the number of workers.

    `serial_share` is that of Amdahl's law, fitted to the seconds of three numbers of workers or
    more by least squares; None with fewer. The first scale is that of the reference.
    """

    id: str
    scales: tuple[Scale, ...]
    serial_share: float | None = None

    @property
    def limit(self) -> float | None:
        """The highest speed-up by Amdahl's law, None if there is none."""
        return 1 / self.serial_share if self.serial_share else None

    @property
    def law(self) -> str:
        """The fit as a sentence, empty if there is none."""
        if self.serial_share is None:
            return ""
        numbers = ", ".join(map(str, sorted({scale.workers for scale in self.scales})))
        limit = f"at most {self.limit:.1f}x" if self.limit is not None else "no limit"
        share = percent(self.serial_share)
        return f"Amdahl's law: {share} serial, {limit} (fitted to {numbers} workers)"


def scale(label: str, workers: int, reference: float, seconds: float) -> Scale:
    """Return the speed of a run against that of the reference."""
    speedup = reference / seconds
    serial = (1 / speedup - 1 / workers) / (1 - 1 / workers) if workers > 1 else None
    return Scale(
        label=label,
        workers=workers,
        seconds=seconds,
        speedup=speedup,
        efficiency=speedup / workers,
        karp_flatt=serial,
    )


def amdahl(scales: Sequence[Scale]) -> float | None:
    """Fit the serial share s of T(p) = T(1) (s + (1 - s) / p), from 0 to 1; None with too few p."""
    if len({scale.workers for scale in scales}) < 3:
        return None
    # With x = 1 - 1/p and y = T(p)/T(1) - 1/p the law is y = s x.
    points = [(1 - 1 / scale.workers, 1 / scale.speedup - 1 / scale.workers) for scale in scales]
    share = sum(x * y for x, y in points) / sum(x * x for x, _ in points)
    return min(1.0, max(0.0, share))


def scalings(runs: Iterable[RunReport]) -> Iterator[Scaling]:
    """Yield the speed of each workload by its number of workers, where that is what varies.

    That is so for code that is parallel itself, and for runs on several numbers of workers of one
    backend.
    """
    workloads: dict[tuple[object, ...], list[RunReport]] = {}
    for run in runs:
        if run.xdist:
            continue
        if run.variation is None:
            workloads.setdefault((run.id, run.backend, run.chunksize), []).append(run)
        elif run.variation.counts_workers:
            inside = run.variation.values.get("inside", "")
            workloads.setdefault((run.id, inside), []).append(run)
    for (id, *_), those in workloads.items():
        if those[0].variation is None and not is_scaled(those):
            continue
        scales = list(_scales(those))
        if len({scale.label for scale in scales}) > (1 if those[0].variation is not None else 2):
            yield Scaling(id=str(id), scales=tuple(scales), serial_share=amdahl(scales))


def is_scaled(runs: Sequence[RunReport]) -> bool:
    """Return whether runs on backends got several numbers of workers."""
    return len({run.granted for run in runs if run.granted and run.variation is None}) > 1


def _scales(runs: Sequence[RunReport]) -> Iterator[Scale]:
    """Yield the scale of the reference, then those of the runs with known workers and times.

    The seconds of the reference are those of the first run. Another one may lack cases, so its
    seconds are taken from its own speed-up. On a backend with one worker nothing can overlap, but
    the row shows what sending costs.
    """
    reference: float | None = None
    for run in runs:
        serial, speedup = run.timing.serial, run.timing.speedup
        if not run.granted or not run.timing.reliable or not serial or not speedup:
            continue
        if run.exercised is False and (run.granted > 1 or run.variation is not None):
            continue
        if reference is None:
            reference = serial
            name = "serial" if run.variation is None else run.variation.reference
            yield scale(name, 1, reference, reference)
        yield scale(run.label, run.granted, reference, reference / speedup)


def rows(scaling: Scaling) -> Iterator[tuple[str, ...]]:
    """Yield the cells of its table, the header first."""
    yield "", "workers", "seconds", "speed-up", "efficiency", "Karp-Flatt"
    for each in scaling.scales:
        yield (
            each.label,
            str(each.workers),
            duration(each.seconds),
            ratio(each.speedup),
            percent(each.efficiency),
            "-" if each.karp_flatt is None else f"{each.karp_flatt:.2f}",
        )
