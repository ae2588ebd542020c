"""The test items that judge a workload as a whole: `min_speedup`, `exercised` and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import pytest

from ...machine.cpus import usable_cpus
from ...report.data import RunReport, later
from ...report.figures import digits, duration, ratio
from ...report.notes import crowding, why_not_exercised
from ...report.selftest import control_notes
from ...report.serialising import serialise
from ...report.stress import Stress, stress_message
from ...report.variants import Variation, unserial_reference
from ..cases.matrix import TestKey, WideKey
from ..config.commands import command
from ..config.options import OF_TESTS, is_serial, stress
from ..session.reporting import CALLS, report_runs

Kind = Literal["min_speedup", "exercised", "selftest", "stress"]

#: What perturbed runs gave, with the run that each belongs to; or why there are none.
Perturbed: TypeAlias = Sequence[tuple[RunReport, Stress]] | str


class Check(pytest.Item):
    """`test_x[min_speedup]`, say: judges the run before it.

    `key` is the workload in its configuration, `least` the speed-up that is required. `perturb`
    runs the workload again, `cases` are the items that it needs, for `test_x[stress]`.
    """

    #: For pytest-run-parallel: there is no function to call.
    _parallel_custom_item = True

    def __init__(
        self,
        *,
        kind: Kind,
        key: TestKey | WideKey,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # name and parent, for pytest
        self.kind = kind
        self.key = key
        self.least: float | None = None
        self.run: RunReport | None = None
        self.perturb: Callable[[], Perturbed] | None = None
        self.cases: Sequence[pytest.Item] = ()

    def runtest(self) -> None:
        """Pass or fail; skip if there are not enough facts to judge."""
        if is_serial(self.config):
            pytest.skip("nothing runs in parallel with --parwork-serial")
        expected = self.run.expected if self.run is not None else None
        if self.kind == "selftest" and self.run is not None:
            self._judge_selftest(self.run)
            return
        if self.kind == "stress":
            self._judge_stress()
            return
        if self.run is None or expected is None or len(self.run.cases) < expected:
            pytest.skip("some cases of the workload are missing in this session")
        if self.kind == "exercised":
            self._judge_exercised(self.run)
        else:
            self._judge_speedup(self.run)

    def _judge_exercised(self, run: RunReport) -> None:
        if run.exercised is None and run.is_baseline:
            pytest.skip("one worker cannot overlap with itself: it is the baseline for more")
        if run.exercised is None and run.xdist:
            pytest.skip(
                "cannot be judged under pytest-xdist: each of its processes may have received too "
                "few cases to overlap"
            )
        if run.exercised is None and run.variation is not None:
            pytest.skip("cannot be judged: what is varied asks for no parallel work")
        if run.exercised is None:
            pytest.skip("cannot be judged: no case finished in the parallel run")
        if run.variation is not None:
            self._judge_variation(run, run.variation)
        elif not run.exercised:
            raise CheckError(
                f"NOT_EXERCISED: {run.workers_used} of {run.granted} workers ran the "
                f"{len(run.cases)} cases, at most {run.peak_overlap} at once; "
                f"equal results prove nothing about parallelism."
                f"\n{why_not_exercised(run)}"
            )

    def _judge_selftest(self, run: RunReport) -> None:
        if not any(control.planted for control in run.selftest):
            pytest.skip("no case is equal, so there is nothing to plant faults in")
        texts = [text for severity, text in control_notes(run.selftest) if severity == "error"]
        if texts:
            raise CheckError("\n".join(texts))

    def _judge_stress(self) -> None:
        if self.perturb is None:
            pytest.skip("no case of the workload was fanned out in this session")
        found = self.perturb()
        if isinstance(found, str):
            if self.run is not None:
                asked = stress(self.config)
                none = later(self.run, stress=Stress(asked=asked, seed=0, why=found))
                self.stash[CALLS] = [serialise(none)]
            pytest.skip(f"it cannot be perturbed: {found}")
        self.stash[CALLS] = [serialise(later(run, stress=each)) for run, each in found]
        bad = next(((run, each) for run, each in found if each.bad), None)
        if bad is not None:
            run, worst = bad
            row = f"--parwork-stress={worst.bad[0].row}"
            # The item of a class, module or session does not know its cases.
            again = command(self, self.nodeid if self.cases else run.id, row, keywords=OF_TESTS)
            raise CheckError(stress_message(worst, again))

    def _judge_variation(self, run: RunReport, variation: Variation) -> None:
        if not run.exercised:
            raise CheckError(f"NOT_EXERCISED: {why_not_exercised(run)}")
        if why := unserial_reference(variation, run.cases):
            raise CheckError(f"NOT_EXERCISED: {why}")

    def _judge_speedup(self, run: RunReport) -> None:
        assert self.least is not None
        cpus = usable_cpus()
        if run.xdist:
            pytest.skip(
                "speed-up cannot be judged under pytest-xdist: other tests run at the same time"
            )
        if cpus.number < run.granted:
            pytest.skip(f"speed-up cannot be judged: {run.granted} workers on {cpus}")
        speedup = run.timing.speedup
        if speedup is None:
            pytest.skip("speed-up cannot be judged: no case ran serially")
        if run.timing.flaw:
            pytest.skip(f"speed-up cannot be judged: {run.timing.flaw}")
        if speedup < self.least:
            timing = run.timing
            if timing.is_crowded:
                pytest.skip(f"speed-up cannot be judged: {crowding(timing)}")
            required = f"at least {digits(self.least)}x is required"
            verdict = f"TOO SLOW: speed-up {ratio(speedup, below=self.least)}, {required}"
            report_runs(self.config, [later(run, too_slow=verdict)])
            raise CheckError(
                f"{verdict}\n"
                f"serial {duration(timing.serial)}, parallel {duration(timing.parallel)} on "
                f"{run.granted} workers, start-up {duration(timing.startup)} not included"
            )

    def repr_failure(  # type: ignore[override]  # a text is as good
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        """Show our verdict without a traceback."""
        if isinstance(excinfo.value, CheckError):
            shown = excinfo.getrepr(style="value")
            if shown.reprcrash is not None:
                shown.reprcrash.message = str(excinfo.value).partition("\n")[0]
            return shown
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[object, int | None, str]:  # type: ignore[override]  # a Path
        """Return the location of the item for pytest's reports."""
        return self.path, None, self.name


class CheckError(Exception):
    """A workload that was not exercised, or was slower than required."""
