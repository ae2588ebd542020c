"""Cases on `isolated:fork`: pytest itself runs them, in forks, with all of its features."""

from __future__ import annotations

import pytest

from .scratch import Scratch

MARK = '@pytest.mark.parwork(backend="isolated:fork", workers=2)\n'
TWO = MARK + '@pytest.mark.parametrize("n", [0, 1])\n'


def passes(scratch: Scratch, count: int, *options: str) -> None:
    session = scratch.run(*options, report=True)
    assert session.counts == {"passed": count}, session.text
    assert [run["verdict"] for run in session.report["runs"]] == ["EQUAL"]


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        ("pytestconfig", "return n, str(pytestconfig.rootpath)"),
        ("cache", "cache.set(f'it/{n}', n); return cache.get(f'it/{n}', None)"),
        ("tmpdir", "tmpdir.join('file').write(n); return tmpdir.join('file').read()"),
        ("tmp_path", "(tmp_path / 'file').write_text('x'); return len(list(tmp_path.iterdir()))"),
        ("capteesys", "print('tee', n); return capteesys.readouterr().out"),
        ("capsys", "print('one', n); return capsys.readouterr().out"),
        ("capfd", "os.system('echo two'); return capfd.readouterr().out"),
        ("record_testsuite_property", "record_testsuite_property('n', n); return n"),
        ("monkeypatch", "monkeypatch.setenv('HOME', str(n)); return os.environ['HOME']"),
        ("recwarn", "import warnings; warnings.warn(str(n)); return len(recwarn)"),
        ("request", "return request.node.name, request.config.rootpath, len(request.fixturenames)"),
        ("doctest_namespace", "return sorted(doctest_namespace)"),
        ("parwork_seed", "return parwork_seed"),
    ],
)
def test_fixtures_of_pytest_are_those_of_pytest(scratch: Scratch, asked: str, body: str) -> None:
    scratch.cases(f"{TWO}def test_it(n, {asked}): note(n); {body}")
    passes(scratch, 2)
    assert sorted(scratch.notes()) == ["0 here", "0 there", "1 here", "1 there"]


def test_a_fixture_may_do_what_cannot_be_done_elsewhere(scratch: Scratch) -> None:
    scratch.cases(
        f"""
import threading

@pytest.fixture(scope="module")
def lock():
    note("made")
    yield threading.Lock()
    note("torn")

@pytest.fixture(scope="module")
def data():
    return [1]

@pytest.fixture
def later(request, lock):
    return request.getfixturevalue("unknown")

@pytest.fixture
def unknown(request):
    request.addfinalizer(lambda: note("last"))
    return request.config.getini("markers") and 7

class TestIt:
    @pytest.fixture
    def data(self, data):  # overrides a wider one, and requests it
        return [*data, 2]

    {MARK}
    @pytest.mark.parametrize("n", [0, 1])
    def test_it(self, n, data, later, lock):
        with lock:
            return data, later
"""
    )
    passes(scratch, 2)
    made, *between, torn = scratch.notes()
    assert (made, torn) == ("made here", "torn here")
    assert between == ["last there"] * 2 + ["last here"] * 2


def test_hooks_of_the_project_run_there_too(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        import pytest

        def pytest_runtest_setup(item):
            item.config.told = item.name

        @pytest.hookimpl(wrapper=True)
        def pytest_pyfunc_call(pyfuncitem):
            pyfuncitem.config.told += "!"
            return (yield)
        """,
    )
    scratch.cases(f"{TWO}def test_it(n, pytestconfig): return pytestconfig.told")
    passes(scratch, 2)


def test_a_difference_is_found(scratch: Scratch) -> None:
    scratch.cases(
        f"""
class Worn:
    uses = 0

@pytest.fixture(scope="module")
def worn():
    return Worn()

{TWO}def test_it(n, worn, pytestconfig):
    worn.uses += 1
    return worn.uses
"""
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 1, "failed": 1}
    assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "DIFFERENT"}


@pytest.mark.parametrize(
    ("raised", "counts"),
    [
        ("", {"passed": 1}),
        ("'setup'", {"errors": 1}),
        ("'call'", {"failed": 1}),
        ("'teardown'", {"passed": 1, "errors": 1}),
        ("'teardown' if is_here() else 'call'", {"failed": 1, "errors": 1}),
        ("'setup' if is_here() else 'call'", {"errors": 1}),
        ("'call' if is_here() else 'teardown'", {"failed": 1, "errors": 1}),
    ],
)
def test_both_runs_are_compared_phase_by_phase(
    scratch: Scratch, raised: str, counts: dict[str, int]
) -> None:
    scratch.cases(
        f"""
def phase():
    return {raised or "''"}

def fail_in(name):
    if phase() == name:
        raise OSError(name)

@pytest.fixture
def around(pytestconfig):
    fail_in("setup")
    yield
    fail_in("teardown")

{MARK}def test_it(around):
    fail_in("call")
    return 1
"""
    )
    session = scratch.run(report=True)
    assert session.counts == counts, session.text
    verdict = "DIFFERENT" if "is_here" in raised else "EQUAL"
    assert session.verdicts("test_it.py::test_it") == {"": verdict}


def test_the_traceback_of_a_failure_there_shows_only_the_test(scratch: Scratch) -> None:
    scratch.cases(
        f"""
{MARK}def test_it(pytestconfig):
    if not is_here():
        raise OSError("there")
    return 1
"""
    )
    session = scratch.run()
    assert session.counts == {"failed": 1}
    lines = [line.strip() for line in session.lines]
    start = lines.index("in its worker:")
    told = lines[start : lines.index("OSError: there", start)]
    assert told[2].startswith("File ")
    assert told[2].endswith(", in test_it")
    assert len(told) == 4


def test_skips_and_expected_failures_are_those_of_pytest(scratch: Scratch) -> None:
    scratch.cases(
        f"""
{MARK}@pytest.mark.parametrize(
    "n",
    [
        0,
        pytest.param(1, marks=pytest.mark.skip),
        pytest.param(2, marks=pytest.mark.xfail(raises=OSError)),
        pytest.param(3, marks=pytest.mark.xfail(run=False)),
        4,
    ],
)
def test_it(n, pytestconfig):
    note(n)
    if n == 2:
        raise OSError
    if n == 4:
        pytest.skip("four")
    return n
"""
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 1, "skipped": 2, "xfailed": 2}, session.text
    assert sorted(line for line in scratch.notes() if "there" in line) == [
        "0 there",
        "2 there",
        "4 there",
    ]


def test_output_and_logs_come_back_by_phase(scratch: Scratch) -> None:
    scratch.cases(
        f"""
import logging

@pytest.fixture
def around(pytestconfig, caplog):
    if not is_here():
        print("in the set-up")
    yield
    if not is_here():
        os.system("echo in the tear-down")

{MARK}def test_it(around):
    if not is_here():
        print("in the call")
        logging.getLogger("it").warning("a log")
    return 1
"""
    )
    session = scratch.run("-rA")
    assert session.counts == {"passed": 1}
    lines = session.lines
    for head, text in [
        ("stdout setup", "in the set-up"),
        ("stdout call", "in the call"),
        ("log call", "a log"),
        ("stdout teardown", "in the tear-down"),
    ]:
        found = next(n for n, line in enumerate(lines) if f"{head} (isolated:fork-" in line)
        assert text in lines[found + 1]


def test_what_was_captured_here_is_not_lost_or_shown_there(scratch: Scratch) -> None:
    scratch.cases(
        f"""
@pytest.fixture(scope="module", autouse=True)
def wide():
    print("of the module")

{TWO}def test_it(n, pytestconfig):
    print("case", n)
    assert False
"""
    )
    session = scratch.run_apart()
    assert session.counts == {"failed": 2}
    assert session.out.count("of the module") == 1
    assert session.out.count("case 0") == 1
    assert session.out.count("case 1") == 1


def test_a_worker_that_dies_loses_only_its_case(scratch: Scratch) -> None:
    scratch.cases(
        f"""
{MARK}@pytest.mark.parametrize("n", range(4))
def test_it(n, pytestconfig):
    if n == 2 and not is_here():
        os._exit(3)
    return n
"""
    )
    session = scratch.run()
    assert session.counts == {"passed": 3, "failed": 1}
    assert "LOST" in session.summary[0]
    assert "exit code 3" in session.text


def test_a_wider_fixture_that_is_not_known_before_is_made_and_torn_down_there(
    scratch: Scratch,
) -> None:
    scratch.cases(
        f"""
@pytest.fixture(scope="session")
def wider():
    yield 1
    note("wider torn")

@pytest.fixture(scope="module")
def wide(wider):
    yield wider
    note("wide torn")
    raise OSError

{MARK}@pytest.mark.parametrize("name", ["wide", "wider"])
def test_it(request, name):
    return request.getfixturevalue(name)
"""
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 2, "errors": 1}
    assert sorted(scratch.notes()) == [
        "wide torn here",
        "wide torn there",
        *["wider torn here", "wider torn there", "wider torn there"],
    ]


def test_an_argument_that_the_call_changes_is_noted(scratch: Scratch) -> None:
    scratch.cases(
        f"""
{MARK}@pytest.mark.parametrize("data", [[1], [2]])
def test_it(data, pytestconfig):
    data.append(3)
    return data
"""
    )
    session = scratch.run()
    assert "the call changed the argument 'data' in both runs" in " ".join(session.text.split())


def test_texts_that_name_the_folder_of_the_case_are_the_same(scratch: Scratch) -> None:
    scratch.cases(f"{TWO}def test_it(n, tmp_path): (tmp_path / 'nothing').read_text()")
    session = scratch.run(report=True)
    assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}, session.text
    assert session.counts == {"failed": 2}


@pytest.mark.parametrize("policy", ["all", "failed"])
def test_folders_are_kept_by_the_policy_of_pytest(scratch: Scratch, policy: str) -> None:
    scratch.cases(
        f"""
{TWO}def test_it(n, tmp_path):
    note(tmp_path)
    assert n
    return n
"""
    )
    scratch.run("-o", f"tmp_path_retention_policy={policy}", "--basetemp=kept")
    left = {path.name for path in (scratch.path / "kept").glob("test_it*[0-9]")}
    # Of each case and run one; those of `current` are links.
    assert len(left) == {"all": 4, "failed": 2}[policy]


def test_subtests_are_unsupported(scratch: Scratch) -> None:
    pytest.importorskip("_pytest.subtests")
    scratch.cases(f"{MARK}def test_it(subtests): note('ran')")
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "the fixture 'subtests' reports to pytest while the case runs" in session.text
    assert scratch.notes() == []


@pytest.mark.sweep  # test_xdist.py asks daily
def test_it_works_under_xdist(scratch: Scratch) -> None:
    scratch.cases(f"{TWO}def test_it(n, pytestconfig): return n")
    session = scratch.run_apart("-p", "xdist.plugin", "-n", "2")
    assert session.counts == {"passed": 2}, session.text
