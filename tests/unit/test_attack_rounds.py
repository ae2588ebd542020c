"""The attack suite runs rounds in a row, in sessions that are forked, and can be continued."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from attack import __main__ as main
from attack import hostile, reports, shooting
from attack.experiment import Experiment, run_experiment
from attack.page import rendered
from attack.parents import Parents
from attack.processes import descendants
from attack.reports import Keeping, Ran, Report, load, save
from attack.running import Runner
from attack.table import Result, fault_text

HERE = Ran(
    python="3.13.1",
    parwork="0.1.0",
    commit="abc",
    seed=7,
    cpus=2,
    jobs=1,
    rounds={"threads": 2, "joblib": 2},
)


def result(name: str, seed: int, *, verdict: str = "survived", backend: str = "threads") -> Result:
    return Result(
        name=name,
        group="dying",
        backend=backend,
        seed=seed,
        verdict=verdict,
        seconds=1.5,
        baseline=1.0,
    )


@pytest.mark.parametrize(
    ("faults", "seeds", "expected"),
    [
        ((), (7, 8, 9), 3),
        (("b", 8), (7, 8, 9), 1),
        (("b", 7), (7, 8, 9), 2),
        ((), (7, 8, 10), 2),
        ((), (), 0),
    ],
)
def test_rounds_in_a_row_are_whole_without_fault_and_of_seeds_that_follow_each_other(
    faults: tuple[str, int], seeds: Sequence[int], expected: int
) -> None:
    found = [
        result(name, seed, verdict="fault" if (name, seed) == faults else "survived")
        for seed in seeds
        for name in "ab"
    ]
    part = [result("a", 20)]
    made = rendered([Report(ran=HERE, results=[*found, *part])])
    assert f" | {expected} | `abc` |" in made


def test_rounds_of_different_commits_are_not_in_a_row() -> None:
    one = Report(ran=HERE, results=[result("a", 7), result("b", 7)])
    other = Report(ran=replace(HERE, commit="def"), results=[result("a", 8), result("b", 8)])
    assert " | 2 | 4 of 2 | 4 | 0 | 0 | 1 | `abc`, `def` |" in rendered([one, other])
    assert " | 2 | 4 of 2 | 4 | 0 | 0 | 2 | `abc` |" in rendered([one, replace(other, ran=HERE)])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Yield the experiments that are run; `exit-1` of processes:fork is a fault with seed 8."""
    found: list[tuple[str, int]] = []

    def run(
        runner: Runner, experiments: Sequence[Experiment], keep: Callable[[Result], None] | None
    ) -> list[Result]:
        results = []
        for one in experiments:
            found.append((one.id, one.seed))
            is_fault = (one.name, one.backend, one.seed) == ("exit-1", "processes:fork", 8)
            verdict = "fault" if is_fault else "survived"
            results.append(result(one.name, one.seed, verdict=verdict, backend=one.backend))
            if keep is not None:
                keep(results[-1])
        return results

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr(main, "ran_here", lambda **given: replace(HERE, **given))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


WORDS = ["--only", "exit-1,exit-0", "--seed", "7", "--rounds", "3"]


def test_a_backend_with_a_fault_gets_no_further_round(asked: list[tuple[str, int]]) -> None:
    assert main.main([*WORDS, "--backends", "joblib,processes:fork"]) == 1
    seeds = {id: [seed for name, seed in asked if name == id] for id, _ in asked}
    assert seeds["exit-0@processes:fork"] == seeds["exit-1@processes:fork"] == [7, 8]
    assert seeds["exit-0@joblib"] == seeds["exit-1@joblib"] == [7, 8, 9]
    assert len(asked) == len(set(asked)) == 10


def test_what_is_in_the_report_is_not_run_again(
    asked: list[tuple[str, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "it.json"
    words = [*WORDS, "--backends", "joblib", "--report", str(file)]
    known = [result("exit-0", 7, backend="joblib"), result("exit-1", 7, backend="joblib")]
    save(Report(ran=HERE, results=[*known, result("exit-1", 8, backend="joblib")]), file)
    assert main.main([*words, "--resume"]) == 0
    assert sorted(asked) == [("exit-0@joblib", seed) for seed in (8, 9)] + [("exit-1@joblib", 9)]
    assert {(one.name, one.seed) for one in load(file).results} == {
        (name, seed) for name in ("exit-0", "exit-1") for seed in (7, 8, 9)
    }
    assert capsys.readouterr().out.count("2 experiments, 0 faults") == 3


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({"commit": "def"}, "it is of commit abc and Python 3.13.1, here are def and 3.13.1"),
        ({"python": "3.10.2"}, "it is of commit abc and Python 3.13.1, here are abc and 3.10.2"),
        ({"commit": "abc-dirty"}, "--resume needs a commit"),
        ({"commit": ""}, "--resume needs a commit"),
    ],
)
def test_a_report_of_other_code_is_not_continued(
    now: Mapping[str, str], message: str, tmp_path: Path
) -> None:
    save(Report(ran=HERE, results=[result("exit-0", 7)]), tmp_path / "it.json")
    with pytest.raises(SystemExit, match=message):
        Keeping(replace(HERE, **now), tmp_path / "it.json", continues=True)  # type: ignore[arg-type]


def test_without_resume_a_report_begins_anew(tmp_path: Path) -> None:
    save(Report(ran=HERE, results=[result("exit-0", 7)]), tmp_path / "it.json")
    keeping = Keeping(HERE, tmp_path / "it.json", continues=False)
    keeping.add(result("exit-1", 7))
    keeping.save()
    assert [one.name for one in load(tmp_path / "it.json").results] == ["exit-1"]
    assert reports.load(tmp_path / "it.json").ran == HERE


def test_to_resume_nothing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--resume"])
    assert "--resume needs --report FILE" in capsys.readouterr().err


def test_a_fault_is_repeated_as_it_was_run() -> None:
    forked = replace(result("exit-1", 7, verdict="fault"), is_forked=True)
    assert "--seed 7 --show" in fault_text(forked)
    assert "--seed 7 --fresh --show" in fault_text(replace(forked, is_forked=False))


@pytest.fixture(scope="module")
def parents() -> Iterator[Parents]:
    found = Parents()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        ("processes:fork", "exit-1"),
        ("joblib", "innocent"),
        *(
            pytest.param(backend, name, marks=pytest.mark.sweep)
            for backend in ("joblib", "processes:spawn", "dask", "threads")
            for name in ("innocent", "exit-1", "lambda")
            if (backend, name) not in {("joblib", "innocent"), ("threads", "exit-1")}
        ),
    ],
)
def test_a_forked_session_is_judged_as_one_of_a_shell(
    parents: Parents, backend: str, name: str
) -> None:
    (experiment,) = (one for one in hostile.experiments(backend, 0) if one.name == name)
    seen = run_experiment(experiment, 20.0, parents.of(backend))
    assert experiment.judge(seen, 20.0).reasons == ()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_suite_is_ended_its_sessions_end(number: int, tmp_path: Path) -> None:
    words = ["--backends", "processes:fork", "--kinds", "endless", "--jobs", "2"]
    suite = subprocess.Popen(
        [sys.executable, "-m", "attack", *words],
        cwd=Path(main.__file__).parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 40
    while len(begun := descendants(suite.pid)) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    suite.send_signal(number)
    suite.wait(30)
    while left := [pid for pid in begun if Path(f"/proc/{pid}/exe").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.01)
    shared = list(Path("/dev/shm").glob(f"attack-{suite.pid}-*"))
    for folder in shared:
        shutil.rmtree(folder)
    if number == signal.SIGTERM:
        assert [*shared, *tmp_path.iterdir()] == []


def test_most_sessions_are_forked_but_a_share_and_those_under_limits() -> None:
    found = [one for backend in ("joblib", "dask") for one in main.all_of(backend, 3, 6)]
    runner = Runner(1, is_fresh=False, shows=False)
    forked = [one for one in found if runner.is_forked(one)]
    assert 0.75 < len(forked) / len(found) < 0.95
    assert "limits" not in {one.group for one in forked}
    assert not any(Runner(1, is_fresh=True, shows=False).is_forked(one) for one in found)


def test_the_report_of_a_forked_session_says_so(tmp_path: Path) -> None:
    made = replace(result("exit-0", 7), is_forked=True)
    save(Report(ran=HERE, results=[made, result("exit-1", 7)]), tmp_path / "it.json")
    assert load(tmp_path / "it.json").results == [made, result("exit-1", 7)]
    lines = json.loads((tmp_path / "it.json").read_text(encoding="utf-8"))["results"]
    assert [one.get("is_forked") for one in lines] == [True, None]


@pytest.mark.parametrize(("backend", "expected"), [("isolated:spawn", 13.0), ("joblib", 3.0)])
def test_where_each_case_starts_python_a_session_takes_longer(
    backend: str, expected: float
) -> None:
    assert round(shooting.whole_of(backend, 2.6), 0) == expected
