"""Run experiments at the same time, and judge each by what its backend takes without an attack."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from . import hostile, peers
from .experiment import Experiment, Seen, run_experiment
from .judge import NAMED_WITHIN
from .parents import Parents
from .table import Result, fault_text

__all__ = ["Runner"]

#: How often a backend is measured without an attack, at least; the slowest session counts.
BASELINES = 2

#: One of so many sessions is not forked where it could be, but started as in a shell.
FRESH = 8

#: Seconds of a computation that shows how busy the machine is, and how many times slower it may be.
COMPUTED, SLOWEST = 0.3, 5.0


class Runner:
    """Runs experiments, so many at the same time.

    Most sessions are forks of parents; `is_fresh` has all of them started by a new interpreter.
    """

    def __init__(self, jobs: int, *, is_fresh: bool, shows: bool) -> None:
        self._jobs = jobs
        self._is_fresh = is_fresh
        self._shows = shows
        self._parents = Parents()

    def run(
        self, experiments: Sequence[Experiment], keep: Callable[[Result], None] | None = None
    ) -> list[Result]:
        """Run experiments, and print faults as they are found."""
        places = {(one.backend, self.is_forked(one)): 0 for one in experiments}
        results: list[Result] = []

        def one(experiment: Experiment) -> None:
            is_forked = self.is_forked(experiment)
            baseline = baselines[experiment.backend, is_forked]
            result = self._tried(experiment, baseline, is_forked=is_forked)
            results.append(result)
            if result.verdict == "fault" or self._shows:
                print(fault_text(result) if result.verdict == "fault" else result, flush=True)
            if keep is not None:
                keep(result)

        try:
            with ThreadPoolExecutor(self._jobs) as lanes:
                baselines = {place: self._measured(*place, lanes) for place in places}
                for done in [lanes.submit(one, experiment) for experiment in experiments]:
                    done.result()
        finally:
            self._parents.close()
        return results

    def is_forked(self, experiment: Experiment) -> bool:
        """Return whether the session of an experiment is a fork.

        A parent has imported already what fails under a limit, and knows nothing of the peers.
        """
        if self._is_fresh or experiment.words or experiment.group == "limits":
            return False
        return random.Random(f"{experiment.seed} {experiment.id} fresh").randrange(FRESH) > 0

    def _seen(self, experiment: Experiment, baseline: float, is_forked: bool) -> Seen:
        parent = self._parents.of(experiment.backend) if is_forked else None
        return run_experiment(experiment, baseline, parent)

    def _measured(
        self, backend: str, is_forked: bool, lanes: ThreadPoolExecutor | None = None
    ) -> float:
        """Return the seconds that a backend takes now without an attack, on all lanes if given."""
        subject = peers if backend in peers.PEERS else hostile

        def one(number: int) -> float:
            seen = self._seen(subject.baseline_of(backend, number), 20.0, is_forked)
            if seen.ending.code != 0:
                raise SystemExit(f"{backend} fails without any attack:\n{seen.tail}")
            return seen.ending.seconds

        if lanes is None:
            return max(map(one, range(BASELINES)))
        return max(lanes.map(one, range(max(BASELINES, self._jobs))))

    def _tried(self, experiment: Experiment, baseline: float, *, is_forked: bool) -> Result:
        """Run an experiment.

        If only its time is too long, the machine may be busy with something else. Then it is run
        again, and the allowed time grows by as much as the backend without an attack has become
        slower, or by as much as a computation takes longer here than its processor time.
        """
        seen = self._seen(experiment, baseline, is_forked)
        judgement = experiment.judge(seen, baseline)
        if is_second := judgement.is_late:
            now = max(baseline, self._measured(experiment.backend, is_forked))
            baseline = now + NAMED_WITHIN * (max(now / baseline, slowness()) - 1)
            seen = self._seen(experiment, baseline, is_forked)
            judgement = experiment.judge(seen, baseline)
        if self._shows:
            print(seen.output)
        return Result(
            name=experiment.name,
            group=experiment.group,
            backend=experiment.backend,
            seed=experiment.seed,
            verdict=judgement.verdict,
            reasons=judgement.reasons,
            seconds=seen.ending.seconds,
            baseline=baseline,
            is_second=is_second,
            is_forked=is_forked,
            shots=seen.ending.shots,
            tail=seen.tail if judgement.verdict == "fault" else "",
        )


def slowness() -> float:
    """Return how many times longer than its processor time a computation takes now."""
    began, busy = time.monotonic(), time.thread_time()
    while time.thread_time() - busy < COMPUTED:
        pass
    return min((time.monotonic() - began) / COMPUTED, SLOWEST)
