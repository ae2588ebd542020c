"""How the progress of a run reads, by the room that there is for it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_parwork.plugin.session import board, progress
from pytest_parwork.plugin.session.progress import live_text, log_text
from pytest_parwork.runner.request import Progress


def state(done: int = 352, **fields: Any) -> Progress:
    known: dict[str, Any] = {"total": 500, "failed": 0, "lost": 0, "running": 12, "workers": 12}
    return Progress(done=done, **{**known, **fields})


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (79, "parwork dask-12 [##############------] 352/500  12 busy  eta 9m00s"),
        (60, "parwork [##############------] 352/500  12 busy  eta 9m00s"),
        (40, "parwork 352/500  12 busy  eta 9m00s"),
        (30, "parwork 352/500  eta 9m00s"),
        (16, "parwork 352/500"),
        (12, "352/500"),
        (3, ""),
    ],
)
def test_the_live_line_is_as_long_as_there_is_room(room: int, text: str) -> None:
    assert live_text(state(), "dask-12", 540.0, room) == text


def test_failures_are_counted_and_without_a_finished_task_there_is_no_estimate() -> None:
    found = live_text(state(2, failed=1, lost=1, total=4), "joblib-2", 1.0, 79)
    assert found == "parwork joblib-2 [###############-----] 3/4  12 busy  2 failed  eta 1.00s"
    assert live_text(state(0), "joblib-2", None, 30) == "parwork 0/500  12 busy"


def test_a_line_of_a_log_is_a_sentence() -> None:
    text = log_text(state(failed=2), "test_drag on dask-12", 1450.0, 540.0)
    assert (
        text == "parwork: test_drag on dask-12: 352 of 500 done, 2 failed, 24m10s, about 9m00s left"
    )


class Terminal:
    """Stands for pytest's terminal reporter in a log."""

    verbosity = 0
    isatty = False
    fullwidth = 80
    width_of_current_line = 0

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._tw = self

    def ensure_newline(self) -> None:
        self.lines.append("")

    def line(self, line: str) -> None:
        self.lines.append(line)

    def write_line(self, line: str) -> None:
        self.lines.append(line)

    def flush(self) -> None:
        self.lines.append("flushed")


class Config:
    """Stands for pytest's configuration."""

    def __init__(self, terminal: Terminal | None, capture: str = "fd") -> None:
        self.pluginmanager = self
        self._plugins = {"terminalreporter": terminal}
        self._capture = capture

    def get_plugin(self, name: str) -> Any:
        return self._plugins.get(name)

    def getoption(self, name: str, default: object = None) -> object:
        return self._capture if name == "capture" else default


def test_a_log_gets_a_line_every_thirty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress, "now", lambda: clock[0])
    terminal = Terminal()
    config = Config(terminal)
    with progress.showing(config, "t.py::test_x", "dask-12") as show:  # type: ignore[arg-type]
        assert show is not None
        for done in range(1, 101):
            clock[0] = float(done)
            show(state(done, total=100))
    lines = [line for line in terminal.lines if line.startswith("parwork")]
    assert [line.partition(" of")[0] for line in lines] == [
        f"parwork: test_x on dask-12: {done}" for done in (30, 60, 90)
    ]
    assert lines[0].endswith("30.00s, about 1m10s left")


@pytest.mark.parametrize("case", ["no terminal", "-q", "-s"])
def test_nothing_is_shown(case: str) -> None:
    terminal: Terminal | None = Terminal()
    if case == "no terminal":
        terminal = None
    elif case == "-q":
        terminal.verbosity = -1  # type: ignore[union-attr]
    config: Any = Config(terminal, capture="no" if case == "-s" else "fd")
    with progress.showing(config, "t.py::test_x", "dask-12") as show:
        assert show is None


class Channel:
    """Stands for the channel to the controller of xdist."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)


def test_a_process_of_xdist_sends_its_progress_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress, "now", lambda: clock[0])
    channel = Channel()
    config: Any = Config(None)
    config.workerinput = {progress.CHANNEL: channel}
    with progress.showing(config, "t.py::test_x", "dask-12") as show:
        assert show is not None
        show(state(1, total=4))
        assert channel.sent == [], "a run that ends at once is not shown"
        clock[0] = 2.0
        show(state(2, total=4))
        show(state(3, total=4))
    counts = {"total": 4, "done": 2, "failed": 0, "lost": 0, "running": 12, "workers": 12}
    assert channel.sent == [("dask-12", "test_x on dask-12", 2.0, 2.0, counts), None]


class Terminals(Terminal):
    """Stands for the terminal reporter of a controller, with a writer."""

    def __init__(self, *, isatty: bool) -> None:
        super().__init__()
        self.isatty = isatty

    def write_raw(self, text: str, *, flush: bool) -> None:
        self.lines.append(text)


def message(done: int, elapsed: float, total: int = 10, left: float | None = 5.0) -> Any:
    counts = {"total": total, "done": done, "failed": 1, "lost": 0, "running": 2, "workers": 2}
    return ("joblib-2", "test_x on joblib-2", elapsed, left, counts)


def test_the_controller_of_xdist_shows_all_processes_in_a_live_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(board, "now", lambda: clock[0])
    monkeypatch.setenv("TERM", "xterm")
    terminal: Any = Terminals(isatty=True)
    shown = board.Board(terminal)
    for process, done in (("gw0", 2), ("gw1", 4)):
        clock[0] += 1.0
        shown.receive(process, message(done, 3.0, left=float(done)))
    one, both = terminal.lines
    assert "parwork joblib-2 [####----------------] 2/10  2 busy  1 failed  eta 2.00s" in one
    assert "parwork 2 runs [######--------------] 6/20  4 busy  2 failed  eta 4.00s" in both
    shown.pytest_runtest_logreport()
    assert terminal.lines[2:] == ["\x1b[K"]
    shown.receive("gw0", message(5, 3.0))
    assert len(terminal.lines) == 3, "pytest is writing"
    clock[0] += 1.0
    shown.receive("gw0", message(6, 3.0))
    shown.receive("gw1", None)
    assert len(terminal.lines) == 4
    shown.receive("gw0", None)
    assert terminal.lines[4:] == ["\x1b[K"], "nothing is shown, so nothing may stay"
    shown.pytest_sessionfinish()
    clock[0] += 9.0
    shown.receive("gw0", message(6, 3.0))
    assert len(terminal.lines) == 5, "the summaries are no place for it"


def test_the_controller_of_xdist_writes_a_line_every_thirty_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(board, "now", lambda: clock[0])
    terminal: Any = Terminals(isatty=False)
    terminal.width_of_current_line = 3  # the dots of the latest tests
    shown = board.Board(terminal)
    for second in range(100):
        clock[0] += 1.0
        shown.receive("gw0", message(second, float(second), total=200, left=None))
        if second > 50:
            shown.receive("gw1", message(7, float(second - 50), total=10))
            shown.pytest_runtest_logreport()
    lines = [line for line in terminal.lines if line not in ("", "flushed")]
    assert all(terminal.lines[terminal.lines.index(line) - 1] == "" for line in lines)
    assert lines == [
        "parwork: test_x on joblib-2: 30 of 200 done, 1 failed, 30.00s",
        "parwork: 2 runs: 67 of 210 done, 2 failed, 1m00s",
        "parwork: 2 runs: 97 of 210 done, 2 failed, 1m30s",
    ]


def test_between_two_tasks_the_time_that_is_left_gets_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress, "now", lambda: clock[0])
    channel = Channel()
    config: Any = Config(None)
    config.workerinput = {progress.CHANNEL: channel}
    with progress.showing(config, "t.py::test_x", "dask-12") as show:
        assert show is not None
        for second in range(1, 36):
            clock[0] = float(second)
            show(state(2 if second < 10 else 4, total=6) if second > 4 else state(0, total=6))
    left = {int(sent[2]): sent[3] for sent in channel.sent if sent is not None}
    assert left[4] is None
    assert [left[second] for second in (5, 7, 9)] == [10.0, 8.0, 6.0]
    assert [left[second] for second in (10, 12)] == [5.0, 3.0]
    assert left[20] == 10.0, "no task has finished for longer than expected"
