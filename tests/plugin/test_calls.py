"""The `parwork` fixture: calls fanned out inside a test."""

from __future__ import annotations

import pytest

from .scratch import Scratch

PROCESSES = "backend='processes:fork', workers=2"
THREADS = "backend='threads', workers=2"


def passes(scratch: Scratch, body: str, *options: str) -> None:
    """Run one test with this body, which must pass."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    scratch.cases(f"def test_it(parwork):\n{lines}\n")
    session = scratch.run(*options)
    assert session.counts == {"passed": 1}, session.text


class TestValues:
    @pytest.mark.parametrize(
        ("call", "values"),
        [
            ("map(abs, [-1, 2, -3], {})", "[1, 2, 3]"),
            ("map(pow, [2, 3], [4, 5], {})", "[16, 243]"),
            ("map(pow, [2, 3, 4], [4, 5], {})", "[16, 243]"),
            ("map(abs, (n for n in (-1, 1)), {})", "[1, 1]"),
            ("map(lambda n: n + 1, range(3), {})", "[1, 2, 3]"),
            ("starmap(pow, [(2, 3), (3, 2)], {})", "[8, 9]"),
            ("starmap(pow, [[2, 3]], {})", "[8]"),
            ("map(abs, [], {})", "[]"),
            ("starmap(abs, [], {})", "[]"),
        ],
    )
    @pytest.mark.parametrize("settings", [PROCESSES, THREADS])
    def test_they_are_those_of_the_function_in_order(
        self, scratch: Scratch, call: str, values: str, settings: str
    ) -> None:
        passes(scratch, f"assert list(parwork.{call.format(settings)}) == {values}")

    def test_closures_and_methods_can_be_called(self, scratch: Scratch) -> None:
        passes(
            scratch,
            f"""
factor = 3
def times(n):
    return n * factor
class Scale:
    def __call__(self, n):
        return n * factor
assert parwork.map(times, [1, 2], {PROCESSES}) == [3, 6]
assert parwork.map(Scale(), [1, 2], {PROCESSES}) == [3, 6]
assert parwork.map("a-b".split, ["-", "b"], {PROCESSES}) == [["a", "b"], ["a-", ""]]
            """,
        )

    def test_function_scoped_fixtures_may_be_used(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            def test_it(parwork, tmp_path, monkeypatch, request):
                monkeypatch.setenv("FACTOR", "3")
                run = parwork.map(lambda n: int(os.environ["FACTOR"]) * n, [1, 2], {PROCESSES})
                assert run == [3, 6]
            """
        )
        assert scratch.run().counts == {"passed": 1}


#: What is true of a run of `abs` over four numbers.
OF_A_RUN = [
    "len(run) == 4",
    "run[0] == 1 and run[-1] == 4 and run[1:3] == [2, 3]",
    "run == [1, 2, 3, 4] and run == (1, 2, 3, 4) and [1, 2, 3, 4] == run",
    "run != [1, 2, 3] and run != 5",
    "run == parwork.map(abs, [-1, 2, -3, 4], backend='threads')",
    "max(run) == 4 and 3 in run and run.index(2) == 1 and run.count(9) == 0",
    "[outcome.kind for outcome in run.outcomes] == ['value'] * 4",
    "[outcome.value for outcome in run.outcomes] == [1, 2, 3, 4]",
    "all(outcome.seconds >= 0 for outcome in run.outcomes)",
    "{outcome.worker for outcome in run.outcomes} == {1, 2}",
    "run.workers_used == 2 and run.granted == 2",
    "run.wall > 0 and run.startup > 0",
    "run.speedup > 0 and run.efficiency == run.speedup / 2",
    "run.comparison and run.comparison.count == 0 and not run.comparison.mismatches",
    "run.start_method == 'fork'",
    "str(run.comparison) == 'equal by exact()'",
]


def test_a_run_is_a_sequence_that_knows_how_it_went_and_outlives_other_calls(
    scratch: Scratch,
) -> None:
    statements = "\n".join(f"assert {expression}" for expression in OF_A_RUN)
    passes(
        scratch,
        f"""
run = parwork.map(abs, [-1, 2, -3, 4], {PROCESSES})
{statements}
with pytest.raises(IndexError):
    run[4]
second = parwork.map(abs, [-3, 4], {PROCESSES})
assert run == [1, 2, 3, 4] and second == [3, 4]
        """,
    )


def test_what_a_call_raises(scratch: Scratch) -> None:
    """The function's own exception where both runs raised; else one of parwork, which says why."""
    scratch.cases(
        f"""
        import threading
        from pytest_parwork import LostError, MismatchError, PayloadError

        def inverse(n):
            return 1 / n

        def bad(n):
            raise ValueError(f"bad {{n}}")

        def odd(n):
            if is_here():
                raise ValueError("bad")
            return n

        lock = threading.Lock()

        def told(caught):
            return " ".join(str(caught.value).split())

        def test_alike(parwork):
            with pytest.raises(ZeroDivisionError):
                parwork.map(inverse, [1, 0, 2], {PROCESSES})

        def test_the_first(parwork):
            with pytest.raises(ValueError, match="bad 7"):
                parwork.map(bad, [7, 8, 9], {PROCESSES})

        def test_different(parwork):
            with pytest.raises(MismatchError, match=r"DIFFERENT at \\[1\\]\\['here'\\]") as caught:
                parwork.map(
                    lambda n: {{"n": n, "here": is_here() or n == 0}}, range(3), {PROCESSES}
                )
            assert isinstance(caught.value, AssertionError)

        def test_in_one_run_only(parwork):
            with pytest.raises(MismatchError, match="ValueError: bad"):
                parwork.map(odd, range(2), {PROCESSES})

        def test_lost(parwork):
            with pytest.raises(LostError, match="LOST: .*exit code 3") as caught:
                parwork.map(
                    lambda n: is_here() or (n == 1 and os._exit(3)), range(4), {PROCESSES}
                )
            assert isinstance(caught.value, RuntimeError)

        def test_not_sent(parwork):
            with pytest.raises(PayloadError, match="NOT_SENT: ") as caught:
                parwork.map(lambda lock: 1, [threading.Lock()], {PROCESSES})
            assert "argument 1 cannot be sent to a worker: it is a _thread.lock" in told(caught)

        def test_function_not_sent(parwork):
            own = threading.Lock()
            with pytest.raises(PayloadError, match="NOT_SENT: ") as caught:
                parwork.map(lambda n: own.locked(), [1, 2], {PROCESSES})
            text = "the function cannot be sent to a worker: .<own> is a _thread.lock"
            assert text in told(caught)
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 7}, session.text


def test_a_difference_is_shown_with_the_line_of_the_test_and_is_in_summary_and_report(
    scratch: Scratch,
) -> None:
    scratch.cases(
        f"def test_it(parwork):\n    parwork.map(lambda n: is_here(), range(3), {PROCESSES})\n"
    )
    session = scratch.run(report=True)
    assert session.counts == {"failed": 1}
    for path in ("[0]", "[1]", "[2]"):
        assert any(line.split()[1:3] == [path, "True"] for line in session.lines)
    assert any(line.startswith(">       parwork.map(") for line in session.lines)
    assert "fixture.py" not in session.text.replace(
        "pytest_parwork.plugin.calls.fixture.Parwork", ""
    )
    (line,) = session.summary
    assert line.startswith("FAILED test_it.py::test_it - DIFFERENT at [0]: serial True, ")
    run = session.run("test_it.py::test_it::map[0]")
    assert (run["verdict"], run["mismatch_count"]) == ("DIFFERENT", 3)


class TestVerify:
    def test_the_function_runs_here_only_for_the_share(self, scratch: Scratch) -> None:
        """The first and the last call of both workers are always in a share."""
        passes(
            scratch,
            f"""
for verify in (0, 0.05, 0.5, 1):
    def noted(n):
        note(f"{{verify}}-{{n}}")
    parwork.map(noted, range(40), {PROCESSES}, verify=verify)
            """,
        )
        notes = scratch.notes()
        shares = {"0": {0}, "0.05": range(3, 7), "0.5": range(20, 25), "1": {40}}
        for verify, here in shares.items():
            places = [note.split()[1] for note in notes if note.startswith(f"{verify}-")]
            assert places.count("here") in here
            assert places.count("there") == 40

    def test_without_it_nothing_is_compared_and_a_worker_s_exception_is_raised(
        self, scratch: Scratch
    ) -> None:
        passes(
            scratch,
            f"""
run = parwork.map(abs, range(4), {PROCESSES}, verify=0)
assert run == [0, 1, 2, 3]
assert run.comparison is None and run.speedup is None and run.efficiency is None
def bad(n):
    if not is_here():
        raise ValueError(n)
with pytest.raises(ValueError):
    parwork.map(bad, range(4), {PROCESSES}, verify=0)
            """,
        )


class TestSettings:
    @pytest.mark.parametrize(
        ("call", "told"),
        [
            (
                "map(abs, [1], retries=3)",
                "unknown keyword 'retries' for a call; known: backend",
            ),
            ("map(abs, [1], min_speedup=3)", "unknown keyword 'min_speedup' for a call; known"),
            (
                "map(abs, [1], backend=['threads'])",
                "a call takes a single value; for a matrix, put",
            ),
            ("map(abs, [1], workers=(1, 2))", "workers=(1, 2): a call takes a single value"),
            ("map(abs, [1], backend='nope')", "unknown backend 'nope'; known: dask, isolated["),
            ("map(abs, [1], workers=0)", "workers=0; give a positive int"),
            ("map(abs, [1], verify=2)", "verify=2; give the share"),
            ("map(abs, [1], compare='close')", "'close' is not a policy"),
            ("map(abs)", "parwork.map got a function only; it needs at least one iterable"),
            ("map(3, [1])", "parwork.map needs a function, not 3"),
            ("starmap(3, [(1,)])", "parwork.starmap needs a function, not 3"),
        ],
    )
    def test_a_bad_one_is_a_usage_error(self, scratch: Scratch, call: str, told: str) -> None:
        scratch.cases(f"def test_it(parwork):\n    parwork.{call}\n")
        session = scratch.run()
        assert session.counts == {"failed": 1}
        assert "UsageError" in session.text
        assert told in session.text
        assert session.section == []

    def test_a_policy_may_be_given(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            from pytest_parwork import close
            @pytest.mark.parametrize("rtol", [1e-3, 1e-12])
            def test_it(parwork, rtol):
                parwork.map(lambda n: n + (0.0 if is_here() else 1e-6), [1.0, 2.0], {PROCESSES},
                            compare=close(rtol=rtol))
            """
        )
        outcomes = {"test_it.py::test_it[0.001]": "passed", "test_it.py::test_it[1e-12]": "failed"}
        assert scratch.run().cases == outcomes

    def test_the_marker_gives_the_defaults(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="threads", workers=3, verify=0)
            def test_it(parwork):
                run = parwork.map(abs, range(9))
                assert (run.configuration.id, run.comparison) == ("threads-3", None)
                run = parwork.map(abs, range(9), workers=2, verify=1)
                assert run.configuration.id == "threads-2" and run.comparison
            """
        )
        assert scratch.run().counts == {"passed": 1}

    def test_options_give_the_defaults_too(self, scratch: Scratch) -> None:
        passes(
            scratch,
            "assert parwork.map(abs, [1, 2]).configuration.id == 'threads-3'",
            "--parwork-backend=threads",
            "--parwork-workers=3",
        )

    def test_the_matrix_of_the_marker_is_that_of_the_calls(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend=["threads", "serial"], workers=2)
            @pytest.mark.parametrize("n", [5])
            def test_it(parwork, n):
                note(parwork.map(abs, [n, n]).configuration.id)
            """
        )
        session = scratch.run()
        assert list(session.cases) == [
            "test_it.py::test_it[threads-5]",
            "test_it.py::test_it[serial-5]",
        ]
        assert scratch.notes() == ["threads-2 here", "serial-2 here"]

    def test_a_call_can_leave_the_matrix(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend=["threads", "serial"], workers=2)
            def test_it(parwork):
                run = parwork.map(abs, [1, 2], backend="processes:fork", chunksize=1)
                assert run.configuration.id == "processes:fork-2"
                assert run.configuration.chunksize == 1
            """
        )
        assert scratch.run().counts == {"passed": 2}

    def test_a_matrix_of_options_is_that_of_the_calls_too(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            def test_it(parwork):
                note(parwork.map(abs, [1, 2], workers=2).configuration.id)
            """
        )
        session = scratch.run("--parwork-backend=threads,serial")
        assert list(session.cases) == [
            "test_it.py::test_it[threads]",
            "test_it.py::test_it[serial]",
        ]
        assert scratch.notes() == ["threads-2 here", "serial-2 here"]

    def test_chunksize_is_that_of_the_call(self, scratch: Scratch) -> None:
        passes(
            scratch,
            f"run = parwork.map(abs, range(9), {THREADS}, chunksize=3)\n"
            "assert run.configuration.chunksize == 3",
        )


class TestSerial:
    def test_everything_runs_here_once(self, scratch: Scratch) -> None:
        passes(
            scratch,
            f"assert parwork.map(note, range(3), {PROCESSES}) == [None] * 3",
            "--parwork-serial",
        )
        assert scratch.notes() == ["0 here", "1 here", "2 here"]

    def test_the_run_reads_the_same(self, scratch: Scratch) -> None:
        passes(
            scratch,
            f"""
run = parwork.map(abs, [-1, 2], {PROCESSES})
assert run == [1, 2] and run[1] == 2 and len(run.outcomes) == 2
assert run.comparison is None and run.speedup is None
            """,
            "--parwork-serial",
        )

    def test_an_exception_stops_at_once(self, scratch: Scratch) -> None:
        passes(
            scratch,
            f"""
def bad(n):
    note(n)
    1 / n
with pytest.raises(ZeroDivisionError):
    parwork.map(bad, [1, 0, 2], {PROCESSES})
            """,
            "--parwork-serial",
        )
        assert scratch.notes() == ["1 here", "0 here"]


class TestReport:
    def test_each_call_is_a_workload(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.mark.parametrize("n", [5])
            def test_it(parwork, n):
                parwork.map(abs, range(3), {THREADS})
                parwork.starmap(pow, [(2, 3), (3, 4)], {THREADS})
                parwork.map(abs, range(2), {THREADS}, verify=0)
            """
        )
        session = scratch.run(report=True)
        assert [run["id"] for run in session.report["runs"]] == [
            "test_it.py::test_it[5]::map[0]",
            "test_it.py::test_it[5]::starmap[0]",
            "test_it.py::test_it[5]::map[1]",
        ]
        assert [run["verdict"] for run in session.report["runs"]] == [
            "EQUAL",
            "EQUAL",
            "NOT_VERIFIED",
        ]
        assert [len(run["cases"]) for run in session.report["runs"]] == [3, 2, 2]
        assert session.title.startswith("parwork: 3 workloads, ")

    def test_calls_of_a_failing_test_are_in_it(self, scratch: Scratch) -> None:
        scratch.cases(
            f"def test_it(parwork):\n    assert parwork.map(abs, range(2), {THREADS}) == [5]\n"
        )
        session = scratch.run(report=True)
        assert session.counts == {"failed": 1}
        assert session.run("test_it.py::test_it::map[0]")["verdict"] == "EQUAL"


def test_a_known_difference_can_be_expected(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        from pytest_parwork import MismatchError
        @pytest.mark.xfail(raises=MismatchError, strict=True)
        def test_it(parwork):
            parwork.map(lambda n: is_here(), range(2), {PROCESSES})
        """
    )
    assert scratch.run().counts == {"xfailed": 1}


class TestReturnedValues:
    MARKED = """
        @pytest.mark.parwork(backend="threads", workers=2)
        def test_it(parwork):
            assert list(parwork.map(abs, [-1, 2])) == [1, 2]
            {last}
        """

    @pytest.mark.parametrize("options", [(), ("--parwork-serial",)])
    def test_a_marked_test_with_calls_must_return_nothing(
        self, scratch: Scratch, options: tuple[str, ...]
    ) -> None:
        scratch.cases(self.MARKED.format(last="return 0.25"))
        session = scratch.run(*options)
        assert session.counts == {"failed": 1}
        assert "test_it returned 0.25, which nothing is compared with" in session.text
        assert "pass the function to parwork.map" in session.text
        assert "PytestReturnNotNoneWarning" not in session.text

    @pytest.mark.parametrize("last", ["", "return None", "assert True"])
    def test_one_that_only_asserts_passes(self, scratch: Scratch, last: str) -> None:
        scratch.cases(self.MARKED.format(last=last))
        assert scratch.run().counts == {"passed": 1}

    def test_its_own_failure_comes_first(self, scratch: Scratch) -> None:
        scratch.cases(self.MARKED.format(last="raise RuntimeError('own')"))
        assert "RuntimeError: own" in scratch.run().text
