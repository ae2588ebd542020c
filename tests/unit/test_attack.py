"""The attack suite: its judge cannot be fooled, and its experiments are what they say."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from attack import __main__ as main
from attack import hostile, peers, shooting
from attack.experiment import Case, Experiment, Seen, run_experiment, written_out
from attack.judge import judge_kind
from attack.kinds import KINDS, Kind, Reading
from attack.page import PAGE, REPORTS, rendered, reports_in
from attack.reports import Ran, Report, load, save
from attack.supervise import Ending
from attack.table import Result

EQUAL = Case(verdict="EQUAL", compared="values")
LOST = Case(verdict="LOST", reason="crash", message="LOST: its worker ended with exit code 1")

ENDED = Ending(code=1, seconds=1.0, left=[], shots=[], last_shot=0.0, files=[])


def said(ending: Ending = ENDED, **changed: Case | None) -> Seen:
    """Return what was seen of three cases of which the second one, `_1`, is guilty."""
    cases: Mapping[str, Case | None] = {"_0": EQUAL, "_1": LOST, "_2": EQUAL, **changed}
    return Seen(
        ending=ending,
        cases={f"test_it.py::test_it[{n[1:]}]": case for n, case in cases.items() if case},
        output="",
    )


def verdict(seen: Seen, kind: Kind = KINDS["exit-1"]) -> str:
    return judge_kind(seen, 0.5, kind=kind, guilty=(1,), count=3).verdict


def test_the_guilty_case_named_and_its_neighbours_right_is_survived() -> None:
    assert verdict(said()) == "survived"


@pytest.mark.parametrize(
    "case",
    [
        None,
        EQUAL,
        replace(LOST, message="LOST: its worker ended with exit code 2"),
        replace(LOST, reason="timeout"),
        replace(LOST, verdict="DIFFERENT"),
    ],
)
def test_a_guilty_case_with_another_verdict_or_message_is_a_fault(case: Case | None) -> None:
    assert verdict(said(_1=case)) == "fault"


@pytest.mark.parametrize(
    "case",
    [
        None,
        LOST,
        replace(EQUAL, compared="outcomes"),
        replace(EQUAL, verdict="NOT_VERIFIED"),
        replace(EQUAL, message="failed"),
    ],
)
def test_a_neighbour_that_is_not_equal_by_its_value_is_a_fault(case: Case | None) -> None:
    assert verdict(said(_2=case)) == "fault"


@pytest.mark.parametrize(
    "ending",
    [
        replace(ENDED, code=None),
        replace(ENDED, code=0),
        replace(ENDED, code=3),
        replace(ENDED, code=-11),
        replace(ENDED, seconds=6.0),
        replace(ENDED, left=["7 S sleep 600"]),
        replace(ENDED, files=["/dev/shm/sem.loky-1"]),
    ],
)
def test_a_wrong_exit_or_a_leftover_is_a_fault(ending: Ending) -> None:
    assert verdict(said(ending)) == "fault"


def test_a_session_without_a_whole_report_is_a_fault() -> None:
    assert verdict(replace(said(), cases=None)) == "fault"


def test_damage_to_the_case_itself_only_is_its_own_doing() -> None:
    kind = replace(KINDS["exit-1"], survived=(Reading("EQUAL"),), own=(Reading("LOST crash: 1"),))
    assert verdict(said(), kind) == "own doing"


def test_neighbours_may_be_lost_only_where_the_kind_says_so_and_the_text_says_why() -> None:
    damaged = replace(LOST, message="LOST: the shared table was damaged, probably by test_it[1]")
    kind = replace(KINDS["exit-1"], spoils=(Reading("LOST: damaged"),))
    assert verdict(said(_2=damaged), kind) == "own doing"
    assert verdict(said(_2=damaged)) == "fault"
    assert verdict(said(_2=LOST), kind) == "fault"
    assert verdict(said(_2=None), kind) == "fault"


def test_only_an_experiment_that_was_too_slow_is_run_again() -> None:
    late = replace(ENDED, seconds=6.0)
    judged = judge_kind(said(late), 0.5, kind=KINDS["exit-1"], guilty=(1,), count=3)
    assert judged.is_late
    judged = judge_kind(said(late, _2=LOST), 0.5, kind=KINDS["exit-1"], guilty=(1,), count=3)
    assert not judged.is_late


@pytest.mark.parametrize(("seen_again", "code"), [(0, 0), (1, 1), (3, 1)])
def test_a_fault_is_confirmed_by_a_single_further_one(
    seen_again: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def result(experiment: Experiment, verdict: str) -> Result:
        return Result(
            name=experiment.name,
            group=experiment.group,
            backend=experiment.backend,
            seed=experiment.seed,
            verdict=verdict,
            seconds=1.0,
            baseline=1.0,
        )

    def run(experiments: Sequence[Experiment], *_: object) -> list[Result]:
        if len(experiments) > main.REPEATS:  # the suite, of which the first one is a fault
            verdicts = ["fault"] + ["survived"] * (len(experiments) - 1)
        else:
            verdicts = ["fault"] * seen_again + ["survived"] * (main.REPEATS - seen_again)
        return list(map(result, experiments, verdicts))

    monkeypatch.setattr(main, "run", run)
    asked = ["--backends", "threads", "--sample", "9"]
    with keeping_signals():
        assert main.main(asked) == 1
        assert main.main([*asked, "--confirm"]) == code
    assert f"is a fault in {seen_again} of 3 repeats" in capsys.readouterr().out


@contextmanager
def keeping_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_names_of_experiments_are_unique() -> None:
    for backend in ("joblib", "threads"):
        found = [*hostile.experiments(backend, 0), *shooting.experiments(backend, 0, 2)]
        assert len({one.id for one in found}) == len(found) > 60


def tried(backend: str, name: str) -> tuple[Experiment, Seen]:
    subject = peers if backend in peers.PEERS else hostile
    experiment = next(one for one in subject.experiments(backend, 0) if one.name == name)
    return experiment, run_experiment(experiment, 20.0)


@pytest.mark.parametrize(
    "name", ["innocent", "exit-1", pytest.param("lambda", marks=pytest.mark.sweep)]
)
def test_an_experiment_that_is_survived(name: str) -> None:
    experiment, seen = tried("processes:fork", name)
    assert experiment.judge(seen, 20.0).reasons == ()


@pytest.mark.sweep
def test_a_process_that_has_left_its_session_and_parents_is_found() -> None:
    _, seen = tried("concurrent.futures", "daemon")  # which leaves it, as we do not
    assert any("sleep 600" in process for process in seen.ending.left), seen.ending


def test_a_peer_that_loses_neighbours_is_a_fault() -> None:
    experiment, seen = tried("concurrent.futures", "exit-1")
    judged = experiment.judge(seen, 20.0)
    assert judged.verdict == "fault"
    assert "neighbours" in judged.reasons[0]


def test_a_message_that_refers_to_another_case_is_read_as_that_one() -> None:
    messages = {
        "test_it.py::test_it[0]": "LOST: Too many open files\n\nrun on its own",
        "test_it.py::test_it[1]": "LOST: as in test_it[0]",
        "test_it.py::test_it[2]": "LOST: as in test_it[7]",
        "test_it.py::test_it[3]": "",
    }
    whole = messages["test_it.py::test_it[0]"]
    assert list(written_out(messages).values()) == [whole, whole, "LOST: as in test_it[7]", ""]


def report(verdicts: Mapping[str, str], *, backend: str = "joblib", seed: int = 0) -> Report:
    """Return a report of a round of four, with these verdicts by name."""
    results = [
        Result(
            name=name,
            group="dying",
            backend=backend,
            seed=seed,
            verdict=verdict,
            seconds=1.5,
            baseline=1.0,
            reasons=["2 neighbours,\nfirst [0] LOST"] if verdict == "fault" else (),
        )
        for name, verdict in verdicts.items()
    ]
    ran = Ran(
        python="3.13.1",
        parwork="0.1.0",
        commit="abc",
        seed=seed,
        cpus=2,
        jobs=1,
        rounds={backend: 4},
    )
    return Report(ran=ran, results=results)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = report({"exit-0": "survived", "exit-1": "fault"})
    save(made, tmp_path / "it.json")
    assert load(tmp_path / "it.json") == made


def test_a_report_of_another_schema_has_to_be_measured_again(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"schema": 1, "results": []}', encoding="utf-8")
    with pytest.raises(ValueError, match="a report of schema 1; measure it again"):
        load(tmp_path / "old.json")


def test_the_page_names_python_seeds_rounds_and_faults() -> None:
    made = rendered(
        [
            report(dict.fromkeys(["exit-0", "exit-1", "abort", "sigbus"], "survived"), seed=7),
            report({"exit-0": "own doing", "exit-1": "fault"}, seed=8),
        ]
    )
    assert "| `joblib` | 3.13.1 | 7, 8 | 1.5 | 6 of 4 | 4 | 1 | 1 | 1 | `abc` |" in made
    assert "- `exit-1@joblib` (Python 3.13.1, seed 8): `2 neighbours, first [0] LOST`" in made


def test_peers_are_compared_by_the_experiments_that_all_have_run() -> None:
    both = {"exit-0": "fault", "exit-1": "survived"}
    made = rendered(
        [
            report(both, backend="concurrent.futures"),
            report({"exit-1": "fault"}, backend="joblib.Parallel"),
            report(both),
            report({"exit-0": "survived"}, backend="threads"),
        ]
    )
    assert "1 of 4 experiments" in made
    table = made.partition("### The peers")[2]
    assert "| | `concurrent.futures` | `joblib.Parallel` | `joblib` |" in table
    assert "| all | 1 / 0 / 0 | 0 / 0 / 1 | 1 / 0 / 0 |" in table


def test_the_page_is_made_of_the_reports_beside_it() -> None:
    assert rendered(reports_in(REPORTS)) in PAGE.read_text(encoding="utf-8")


def test_of_each_group_all_tools_run_the_same_experiments() -> None:
    options = main.parsed(["--peers", "--each", "2", "--seed", "5"])
    found = main.chosen(options, 5)
    names = {peer: {one.name for one in found if one.backend == peer} for peer in peers.PEERS}
    assert names["concurrent.futures"] == names["joblib.Parallel"] == names["dask.distributed"]
    assert names["pytest-xdist"] == names["joblib.Parallel"] - {
        one.name for one in found if one.group == "results"
    }
    groups = Counter(one.group for one in found if one.backend == "joblib.Parallel")
    assert set(groups.values()) == {2}
    assert "innocent" not in groups


@pytest.mark.parametrize(
    ("seconds", "baseline", "expected"),
    [(5.9, 2.0, "survived"), (6.1, 2.0, "fault"), (6.1, 6.0, "survived"), (7.1, 6.0, "fault")],
)
def test_the_end_after_ctrl_c_may_take_as_long_as_a_whole_session_takes_now(
    seconds: float, baseline: float, expected: str
) -> None:
    (ctrl_c,) = (one for one in shooting.experiments("dask", 0, 1) if one.name == "ctrl-c-1")
    ended = replace(ENDED, code=2, seconds=seconds, shots=["1.00 s: SIGINT"], last_shot=1.0)
    assert ctrl_c.judge(said(ended), baseline).verdict == expected


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        (-9, "sem.x2Xima", "own doing"),
        (-9, "sem.parwork-0123-abcd", "fault"),
        (2, "sem.x2Xima", "fault"),
    ],
)
def test_a_semaphore_without_its_name_is_nobodys_if_pytest_was_killed(
    code: int, name: str, expected: str
) -> None:
    made = shooting.experiments("processes:fork", 0, 1)
    (killed,) = (one for one in made if one.name == "ctrl-c-and-kill-1")
    files = [f"/dev/shm/{name}"]
    ended = replace(ENDED, code=code, shots=["1.00 s: SIGKILL"], last_shot=1.0, files=files)
    assert killed.judge(said(ended), 2.0).verdict == expected
