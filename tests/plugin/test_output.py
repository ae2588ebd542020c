"""Output and logs of cases in workers: report sections, shown as pytest shows its own."""

from __future__ import annotations

import pytest

from pytest_parwork.model.printable import printable

from .scratch import Scratch, Session, slow

PROCESSES = [
    "processes:fork",
    slow("processes:spawn"),
    slow("multiprocessing"),
    slow("isolated"),
    slow("isolated:spawn"),
    "joblib",
    slow("joblib:multiprocessing"),
    "dask",
]
THREADS = ["threads", "joblib:threading", "serial"]


def sections(session: Session, parameters: str, when: str = "call") -> dict[str, str]:
    """Return the sections on the report of the case with these parameters, by their titles."""
    found = [
        report
        for report in session.recorder.reports
        if report.when == when and report.nodeid.endswith(f"[{parameters}]")
    ]
    assert len(found) == 1, [report.nodeid for report in session.recorder.reports]
    assert len({title for title, _ in found[0].sections}) == len(found[0].sections)
    return dict(found[0].sections)


@pytest.mark.parametrize("backend", PROCESSES)
def test_what_only_a_worker_prints_is_a_section_of_its_own(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import logging, subprocess, sys

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            if not is_here():
                print("printed", n)
                print("complained", n, file=sys.stderr)
                os.write(1, b"by descriptor\\n")
                subprocess.run(["echo", "by a child"])
                sys.__stdout__.write("by the first stream\\n")
                sys.stdout.buffer.write(b"as bytes\\n")
                logging.getLogger("mine").warning("logged %s", n)
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 3}
    for n in range(3):
        found = sections(session, str(n))
        out = found.pop(f"Captured stdout call ({backend}-2)")
        assert sorted(out.splitlines()) == [
            "as bytes",
            "by a child",
            "by descriptor",
            "by the first stream",
            f"printed {n}",
        ]
        assert found.pop(f"Captured stderr call ({backend}-2)") == f"complained {n}\n"
        log = found.pop(f"Captured log call ({backend}-2)")
        assert log == f"WARNING  mine:test_it.py:17 logged {n}"
        assert not found


@pytest.mark.parametrize("backend", THREADS)
def test_what_threads_print_through_python_is_sorted_by_case(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        import logging, sys, threading

        RUNS = dict.fromkeys(range(4), 0)

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            RUNS[n] += 1
            if RUNS[n] == 1:  # the parallel run comes first
                for _ in range(3):
                    print("printed", n)
                    print("complained", n, file=sys.stderr)
                    logging.getLogger("mine").warning("logged %s", n)
                    time.sleep(0.01)
                sys.stdout.buffer.write(b"as bytes")
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 4}
    for n in range(4):
        assert sections(session, str(n)) == {
            f"Captured stdout call ({backend}-{workers(backend)})": f"printed {n}\n" * 3
            + "as bytes",
            f"Captured stderr call ({backend}-{workers(backend)})": f"complained {n}\n" * 3,
            f"Captured log call ({backend}-{workers(backend)})": "\n".join(
                [f"WARNING  mine:test_it.py:17 logged {n}"] * 3
            ),
        }


def workers(backend: str) -> int:
    return 1 if backend == "serial" else 2


def test_output_of_a_thread_outside_any_case_goes_to_the_original_stream(scratch: Scratch) -> None:
    scratch.cases(
        """
        import threading

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            thread = threading.Thread(target=print, args=("from another",))
            thread.start()
            thread.join()
            print("own")
        """
    )
    session = scratch.run()
    for n in range(2):
        # In the serial run pytest takes all that the process prints.
        assert sections(session, str(n)) == {
            "Captured stdout call": "from another\nown\n",
            "Captured stdout call (threads-2)": "own\n",
        }


@pytest.mark.parametrize("backend", ["processes:fork", "joblib", "threads"])
def test_what_both_runs_print_and_log_is_shown_once(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import logging, sys

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print("printed", n)
            print("complained", n, file=sys.stderr)
            logging.getLogger("mine").warning("logged %s", n)
            assert n
        """
    )
    session = scratch.run("-o", "log_format=%(asctime)s %(process)d %(message)s")
    assert session.counts == {"passed": 1, "failed": 1}
    found = sections(session, "0")
    assert list(found) == ["Captured stdout call", "Captured stderr call", "Captured log call"]
    for line in ("printed 0", "complained 0"):
        assert session.lines.count(line) == 1


@pytest.mark.parametrize("backend", ["threads", "processes:fork"])
def test_what_wide_fixtures_print_and_log_is_shown_with_the_first_case(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        import logging

        @pytest.fixture(scope="module")
        def wide():
            print("of the module")
            logging.getLogger("mine").warning("logged")
            yield 1
            print("torn down")

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n, wide):
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 3}
    first = sections(session, "0", when="setup")
    assert first.pop("Captured stdout setup") == "of the module\n"
    assert first.pop("Captured log setup").endswith("logged")
    assert not first
    for n in (1, 2):
        assert sections(session, str(n), when="setup") == {}
    assert sections(session, "2", when="teardown") == {"Captured stdout teardown": "torn down\n"}


def test_output_is_no_part_of_the_verdict(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print(os.getpid())
            return n
        """
    )
    session = scratch.run("-rA")
    assert session.counts == {"passed": 2}
    assert set(sections(session, "0")) == {
        "Captured stdout call",
        "Captured stdout call (processes-2)",
    }


PRINTS = """
import logging, sys

@pytest.mark.parwork(backend="processes:fork", workers=2)
@pytest.mark.parametrize("n", range(2))
def test_it(n):
    if not is_here():
        print("printed there", n)
        print("complained there", n, file=sys.stderr)
        logging.getLogger("mine").warning("logged there %s", n)
    return n and is_here()
"""

TITLES = {
    "stdout": "- Captured stdout call (processes:fork-2) -",
    "stderr": "- Captured stderr call (processes:fork-2) -",
    "log": "- Captured log call (processes:fork-2) -",
}


class TestShown:
    def test_for_cases_that_fail_and_in_the_junit_file(self, scratch: Scratch) -> None:
        scratch.cases(PRINTS)
        session = scratch.run("--junitxml=junit.xml", "-o", "junit_logging=all")
        assert session.counts == {"passed": 1, "failed": 1}
        for title in TITLES.values():
            assert session.out.count(title) == 1
        assert "printed there 1" in session.out
        assert "there 0" not in session.out
        text = (scratch.path / "junit.xml").read_text(encoding="utf-8")
        for n in range(2):
            assert text.count(f"printed there {n}") == 1
            assert text.count(f"complained there {n}") == 1

    def test_for_all_with_r_a(self, scratch: Scratch) -> None:
        scratch.cases(PRINTS)
        session = scratch.run("-rA")
        for title in TITLES.values():
            assert session.out.count(title) == 2
        assert "printed there 0" in session.out

    @pytest.mark.parametrize("choice", ["no", "stdout", "stderr", "log", "all"])
    def test_as_show_capture_says(self, scratch: Scratch, choice: str) -> None:
        scratch.cases(PRINTS)
        session = scratch.run(f"--show-capture={choice}")
        for key, title in TITLES.items():
            assert (title in session.out) == (choice in (key, "all"))

    def test_live_with_s_and_in_no_section(self, scratch: Scratch) -> None:
        scratch.cases(PRINTS)
        session = scratch.run_apart("-s")
        assert "printed there 0" in session.out
        assert "complained there 0" in session.err
        assert TITLES["stdout"] not in session.out
        assert TITLES["log"] in session.out  # which -s does not turn off

    def test_by_xdist(self, scratch: Scratch) -> None:
        scratch.cases(PRINTS)
        session = scratch.run_apart("-p", "xdist.plugin", "-n", "1")
        for title in TITLES.values():
            assert session.out.count(title) == 1
        assert "printed there 1" in session.out


@pytest.mark.parametrize("backend", PROCESSES)
def test_what_a_lost_case_had_printed_comes_back(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import sys

        @pytest.mark.parwork(backend={backend!r}, workers=2, timeout=1)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            print("began", n)
            print("this far", n, end="", file=sys.stderr)
            if n == 1 and not is_here():
                os._exit(3)
            if n == 2 and not is_here():
                time.sleep(60)
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 2, "failed": 2}
    for n in (1, 2):
        assert sections(session, str(n)) == {
            f"Captured stdout call ({backend}-2)": f"began {n}\n",
            f"Captured stderr call ({backend}-2)": f"this far {n}",
        }
    assert set(sections(session, "3")) == {"Captured stdout call", "Captured stderr call"}


def test_what_a_thread_had_printed_before_its_time_was_over_comes_back(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2, timeout=0.3)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print("began", n)
            while n and not is_here():
                time.sleep(0.01)
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 1, "failed": 1}
    assert sections(session, "1") == {"Captured stdout call (threads-2)": "began 1\n"}


def test_a_case_that_did_not_run_serially_has_the_output_of_its_worker(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes", workers=2, verify=0)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print("printed", n)
            assert n
        """
    )
    session = scratch.run()
    assert sections(session, "0")["Captured stdout call (processes-2)"] == "printed 0\n"
    assert session.lines.count("printed 0") == 1


def test_in_a_matrix_each_configuration_has_its_own(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["processes:fork", "threads"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print("printed", n)
            return n
        """
    )
    session = scratch.run()
    assert set(sections(session, "processes:fork-1")) == {"Captured stdout call"}
    # The serial run is that of the first configuration.
    assert set(sections(session, "threads-1")) == {"Captured stdout call (threads-2)"}


@pytest.mark.parametrize("backend", ["processes:fork", "threads"])
def test_ten_megabytes_are_cut_in_the_middle_and_the_cut_is_shown(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            if n == 1:
                for line in range(100_000):
                    print(f"{{line:99}}")
                if not is_here():
                    print("the end")
            if n == 2:
                print("x" * 10_000_000)
            if n == 3:
                print("small")
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 4}
    title = f"Captured stdout call ({backend}-2)"
    assert set(sections(session, "1")) == {"Captured stdout call", title}
    text = sections(session, "1")[title]
    assert text.startswith(f"{0:99}\n")
    assert text.endswith(f"{99_999:99}\nthe end\n")
    unit = "characters" if backend == "threads" else "bytes"
    assert f"[… {10_000_008 - (1 << 20):,} {unit} left out …]" in text
    assert len(text) < 1_100_000
    # What is the same is so in full length, too.
    assert set(sections(session, "2")) == {"Captured stdout call"}
    assert sections(session, "3") == {"Captured stdout call": "small\n"}


UNRULY = {
    "closes its stream": "sys.stdout.close()",
    "closes the descriptor": "os.close(1)",
    "closes both": "sys.stdout.close(); os.close(1)",
    "puts another stream there": "sys.stdout = io.StringIO()",
    "puts nothing there": "sys.stdout = None",
    "detaches it": "sys.stdout.detach()",
    "sends the descriptor elsewhere": "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)",
    "writes bytes that are no text": "os.write(1, bytes(range(256)))",
    "breaks off in a character": 'os.write(1, "é".encode()[:1])',
    "opens it anew": 'subprocess.run("echo emptied > /dev/stdout", shell=True)',
    "leaves a child that prints": 'sys.child = subprocess.Popen("sleep .2; echo late", shell=True)',
}


@pytest.mark.parametrize("what", UNRULY)
def test_what_a_case_does_to_stdout_is_over_with_it(scratch: Scratch, what: str) -> None:
    scratch.cases(
        f"""
        import io, subprocess, sys

        @pytest.mark.parwork(backend="processes:fork", workers=1)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            if n == 0 and not is_here():
                print("before")
                {UNRULY[what]}
            if n == 1 and not is_here():
                print("printed")
                os.write(1, b"written\\n")
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 3}
    title = "Captured stdout call (processes:fork-1)"
    first = sections(session, "0")[title]
    expected = {
        "writes bytes that are no text": printable(
            f"before\n{bytes(range(256)).decode(errors='replace')}"
        ),
        "breaks off in a character": "before\n�",
        "opens it anew": "emptied\n",
    }.get(what, "before\n")
    assert first == expected
    assert sections(session, "1") == {title: "printed\nwritten\n"}


def test_what_modules_print_as_they_are_imported_belongs_to_no_case(
    scratch: Scratch, keeps_helpers: None
) -> None:
    scratch.cases(
        """
        print("imported")

        @pytest.mark.parwork(backend="processes:spawn", workers=1)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print("printed", n)
            return n
        """
    )
    session = scratch.run()
    for n in range(2):
        assert sections(session, str(n)) == {"Captured stdout call": f"printed {n}\n"}


def test_with_capture_sys_workers_are_captured_too(scratch: Scratch) -> None:
    scratch.cases(PRINTS)
    session = scratch.run_apart("--capture=sys")
    assert TITLES["stdout"] in session.out
    assert session.out.count("printed there 1") == 1
    assert "there" not in session.err


class TestLogging:
    def test_has_the_level_of_the_session(self, scratch: Scratch, keeps_helpers: None) -> None:
        scratch.cases(
            """
            import logging

            @pytest.mark.parwork(backend="processes:spawn", workers=1)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                if not is_here():
                    for level in (logging.DEBUG, logging.INFO, logging.ERROR):
                        logging.getLogger("mine").log(level, "of level %s", level)
                        logging.getLogger("loud").log(level, "never seen")
            """
        )
        session = scratch.run("--log-level=INFO", "--log-disable=loud")
        log = sections(session, "0")["Captured log call (processes:spawn-1)"]
        assert [line.split()[0] for line in log.splitlines()] == ["INFO", "ERROR"]

    def test_has_the_format_of_the_session(self, scratch: Scratch, keeps_helpers: None) -> None:
        scratch.cases(
            """
            import logging

            @pytest.mark.parwork(backend="joblib", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                if not is_here():
                    log = logging.getLogger("mine")
                    log.warning("one\\ntwo", extra={"user": ["me"]})
                    try:
                        1 / 0
                    except ZeroDivisionError:
                        log.exception("failed", extra={"user": None})
            """
        )
        session = scratch.run(
            *("-o", "log_format=%(asctime)s|%(user)s|%(funcName)s|%(message)s"),
            *("-o", "log_date_format=on %Y"),
            *("-o", "log_auto_indent=on"),
        )
        log = sections(session, "0")["Captured log call (joblib-2)"].splitlines()
        assert log[0].startswith("on 20")
        assert log[0].endswith("|['me']|test_it|one")
        assert log[1].strip() == "two"
        assert log[1].startswith("   ")
        assert log[2].endswith("|None|test_it|failed")
        assert log[3] == "Traceback (most recent call last):"
        assert log[-1] == "ZeroDivisionError: division by zero"

    def test_of_a_message_that_cannot_be_made_fails_in_both_runs(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import logging

            @pytest.mark.parwork(backend=["processes:fork", "threads"], workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                logging.getLogger("mine").warning("%d", "no number")
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"failed": 4}
        assert {run["verdict"] for run in session.report["runs"]} == {"EQUAL"}

    def test_without_the_plugin_is_left_alone(self, scratch: Scratch) -> None:
        scratch.cases(PRINTS)
        session = scratch.run_apart("-p", "no:logging")
        assert session.counts == {"passed": 1, "failed": 1}
        assert TITLES["log"] not in session.out
        stderr = session.out.partition(TITLES["stderr"])[2]
        assert "logged there 1" in stderr  # Python's handler of last resort

    def test_a_handler_of_pytest_is_no_handler_of_a_worker(self, scratch: Scratch) -> None:
        scratch.cases(PRINTS)
        session = scratch.run_apart("--log-file=all.log", "--log-cli-level=WARNING")
        assert "logged there" not in (scratch.path / "all.log").read_text(encoding="utf-8")
        assert session.out.count("logged there 1") == 1  # in its section

    def test_millions_of_records_are_cut_in_the_middle(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import logging

            @pytest.mark.parwork(backend="processes", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                for number in range(n * 10_000):
                    if not is_here():
                        logging.getLogger("mine").warning("number %s", number)
            """
        )
        session = scratch.run()
        log = sections(session, "1")["Captured log call (processes-2)"]
        assert log.endswith("number 9999")
        assert "records left out …]" in log
        assert len(log.splitlines()) < 6000


class TestFixtures:
    CODE = """
    import logging

    def say(what):
        print("printed in", what)
        logging.getLogger("mine").warning("logged in %s", what)

    @pytest.fixture
    def speaking():
        say("set-up")
        yield 1
        say("tear-down")

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n, speaking):
        say("call")
        {body}
        return n
    """

    @pytest.mark.parametrize("backend", ["processes:spawn", "joblib", "threads"])
    def test_that_print_the_same_in_both_runs_are_shown_once(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(self.CODE.format(backend=backend, body=""))
        session = scratch.run("-o", "log_format=%(message)s")
        assert session.counts == {"passed": 2}
        assert sections(session, "1", "teardown") == {
            f"Captured {key} {phase}": f"{verb} in {what}{end}"
            for phase, what in (("setup", "set-up"), ("call", "call"), ("teardown", "tear-down"))
            for key, verb, end in (("stdout", "printed", "\n"), ("log", "logged", ""))
        }

    @pytest.mark.parametrize("backend", ["processes:spawn", "joblib", "threads"])
    def test_that_print_something_else_there_have_sections_by_phase(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            def say(what):
                if not is_here():
                    print("there in", what)

            @pytest.fixture
            def speaking():
                say("set-up")
                yield 1
                say("tear-down")

            @pytest.mark.parwork(backend={backend!r}, workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, speaking):
                say("call")
                return is_here()
            """
        )
        session = scratch.run()
        assert session.counts == {"failed": 2}
        found = {
            f"Captured stdout setup ({backend}-2)": "there in set-up\n",
            f"Captured stdout call ({backend}-2)": "there in call\n",
        }
        seen = sections(session, "1")
        assert {title: seen.get(title) for title in found} == found
        found[f"Captured stdout teardown ({backend}-2)"] = "there in tear-down\n"
        assert sections(session, "1", "teardown") == found
        for text in found.values():
            assert session.lines.count(text.strip()) == 2

    def test_are_part_of_what_a_lost_case_had_printed(self, scratch: Scratch) -> None:
        body = "if n and not is_here(): os._exit(1)"
        scratch.cases(self.CODE.format(backend="processes", body=body))
        session = scratch.run()
        assert session.counts == {"passed": 1, "failed": 1}
        assert sections(session, "1")["Captured stdout call (processes-2)"] == (
            "printed in set-up\nprinted in call\n"
        )

    @pytest.mark.parametrize("backend", ["processes:fork", "processes:spawn", "joblib"])
    def test_that_take_what_is_printed_have_it_for_the_whole_case(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.mark.parwork(backend={backend!r}, workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, capsys):
                print("heard")
                heard = capsys.readouterr().out
                print("not heard")
                return heard
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 2}
        titles = {title for report in session.recorder.reports for title, _ in report.sections}
        assert titles == {"Captured stdout call"}  # which is "not heard"

    def test_that_fail_have_what_they_printed(self, scratch: Scratch, keeps_helpers: None) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def failing():
                print("before")
                if not is_here():
                    print("there")
                raise ValueError

            @pytest.mark.parwork(backend="processes:spawn", workers=1)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, failing):
                pass
            """
        )
        session = scratch.run()
        assert session.counts == {"errors": 2}
        assert sections(session, "0", "setup") == {
            "Captured stdout setup": "before\n",
            "Captured stdout setup (processes:spawn-1)": "before\nthere\n",
        }


class TestCalls:
    @pytest.mark.parametrize("backend", ["processes:fork", "joblib", "threads"])
    def test_print_and_log_in_the_test_itself(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            import logging, sys

            def work(n):
                sys.stdout.write(f"printed {{n}}\\n")  # at the same time as other cases
                sys.stderr.write(f"complained {{n}}\\n")
                logging.getLogger("mine").warning("logged %s", n)
                return n

            def test_it(parwork, capfd, caplog):
                parwork.map(work, range(3), backend={backend!r}, workers=2, verify=0)
                out, err = capfd.readouterr()
                assert sorted(out.splitlines()) == ["printed 0", "printed 1", "printed 2"]
                assert sorted(err.splitlines()) == ["complained 0", "complained 1", "complained 2"]
                assert sorted(caplog.messages) == ["logged 0", "logged 1", "logged 2"]

            def test_twice(parwork, capfd):
                parwork.map(work, range(3), backend={backend!r}, workers=2)
                assert len(capfd.readouterr().out.splitlines()) == 6
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 2}

    def test_log_with_the_level_that_the_test_has_set(
        self, scratch: Scratch, keeps_helpers: None
    ) -> None:
        scratch.cases(
            """
            import logging

            def work(n):
                logging.getLogger("mine").info("logged %s", n)

            def test_it(parwork, caplog):
                caplog.set_level(logging.INFO)
                parwork.map(work, range(2), backend="processes:spawn", workers=1, verify=0)
                assert caplog.messages == ["logged 0", "logged 1"]
            """
        )
        assert scratch.run().counts == {"passed": 1}

    def test_show_what_a_lost_one_had_printed(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            def work(n):
                print("began", n)
                if n:
                    os._exit(1)

            def test_it(parwork):
                parwork.map(work, range(2), backend="processes", workers=2)
            """
        )
        session = scratch.run()
        assert session.counts == {"failed": 1}
        assert session.lines.count("began 1") == 1


def test_pytest_without_its_capture_plugin_captures_nothing_in_workers(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["processes:fork", "threads"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            print("printed", n)
            return n

        def test_calls(parwork):
            assert list(parwork.map(abs, [-1, 2], backend="threads", workers=2)) == [1, 2]
        """
    )
    session = scratch.run_apart("-p", "no:capture")
    assert session.counts == {"passed": 5}
    assert "plain" not in session.text


def test_standard_input_cannot_be_read_in_workers_either(
    scratch: Scratch, keeps_helpers: None
) -> None:
    scratch.cases(
        """
        import io
        import sys

        @pytest.mark.parwork(backend=["processes:fork", "isolated:fork", "joblib"], workers=2)
        @pytest.mark.parametrize("read", ["input()", "sys.stdin.read()", "list(sys.stdin)"])
        def test_reads(read):
            with pytest.raises(OSError) as caught:
                eval(read)
            return str(caught.value)

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_given(n, monkeypatch):
            monkeypatch.setattr("sys.stdin", io.StringIO("given"))
            return input()

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_uncaught(n):
            return sys.stdin.fileno()
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 11, "failed": 2}
    assert {run["verdict"] for run in session.report["runs"]} == {"EQUAL"}
