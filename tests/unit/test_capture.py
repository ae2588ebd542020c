"""How output is bounded, separated by task, and found after its process has died."""

from __future__ import annotations

import builtins
import errno
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pytest_parwork.model.output import Capture, Output, Warned
from pytest_parwork.transport.files import Files
from pytest_parwork.transport.pickling import by_reference, load
from pytest_parwork.worker.capture.bounds import HALF, Entries, Text, clipped
from pytest_parwork.worker.capture.descriptors import mark
from pytest_parwork.worker.capture.files import LARGE, MOST_NAMELESS, OutputFiles
from pytest_parwork.worker.capture.logs import Listener
from pytest_parwork.worker.capture.phases import enter
from pytest_parwork.worker.capture.threads import ThreadCapture
from pytest_parwork.worker.capture.warned import (
    filters_here,
    key_of,
    use_filters,
    warning_of,
)


def shortened(data: bytes) -> str:
    return clipped(lambda length, at: data[at : at + length], len(data))


class TestBounds:
    @pytest.mark.parametrize("size", [0, 1, 2 * HALF])
    def test_a_short_text_is_kept_as_a_whole(self, size: int) -> None:
        assert shortened(b"x" * size) == "x" * size

    def test_both_ends_of_a_longer_text_are_kept(self) -> None:
        text = shortened(b"a" * HALF + b"b" * 1234 + b"c" * HALF)
        assert text == "a" * HALF + "\n[… 1,234 bytes left out …]\n" + "c" * HALF

    def test_a_character_that_is_cut_is_replaced(self) -> None:
        text = shortened("é".encode() * (2 * HALF))
        assert set(text.replace("\n[… 1,048,576 bytes left out …]\n", "")) == {"é"}
        assert "�" in shortened(b"x" + "é".encode() * (2 * HALF))

    @pytest.mark.parametrize("piece", [1000, HALF - 1, HALF, 5 * HALF])
    def test_text_that_is_written_in_pieces_is_cut_in_the_same_way(self, piece: int) -> None:
        whole = "".join(chr(97 + n % 26) for n in range(4 * HALF))
        text = Text()
        for start in range(0, len(whole), piece):
            text.write(whole[start : start + piece])
        between = f"\n[… {2 * HALF:,} characters left out …]\n"
        assert text.all() == whole[:HALF] + between + whole[-HALF:]

    def test_text_that_fills_both_halves_is_kept_as_a_whole(self) -> None:
        text = Text()
        text.write("a" * (HALF + 5))
        text.write("b" * (HALF - 5))
        assert text.all() == "a" * (HALF + 5) + "b" * (HALF - 5)

    def test_the_first_and_the_last_of_many_entries_are_kept(self) -> None:
        entries: Entries[int] = Entries()
        assert not entries
        for number in range(100):
            entries.add(number, HALF // 8)
        kept = list(entries.all())
        assert kept == [*range(8), "[… 84 records left out …]", *range(92, 100)]

    def test_one_entry_that_is_too_large_is_kept(self) -> None:
        entries: Entries[str] = Entries()
        entries.add("first", 5 * HALF)
        entries.add("last", 5 * HALF)
        assert entries.all() == ("first", "last")


@pytest.fixture
def files() -> Iterator[OutputFiles]:
    files = OutputFiles(2)
    yield files
    files.close()


def append(path: str, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


class TestFiles:
    def test_output_that_a_process_has_left_is_found_by_its_id(self, files: OutputFiles) -> None:
        (out, err), (other, _) = files.paths
        append(out, mark(11) + b"first" + mark(222) + b"second")
        append(err, mark(11) + mark(222) + b"trouble")
        append(other, mark(3333) + b"third")
        assert files.left_by(11) == Output("first", "")
        assert files.left_by(222) == Output("second", "trouble")
        assert files.left_by(3333) == Output("third", "")
        assert files.left_by(4) is None

    def test_both_ends_of_any_amount_of_output_are_kept(self, files: OutputFiles) -> None:
        out, err = files.paths[0]
        append(out, mark(11) + b"a" * (3 * HALF) + b"the end" + mark(22) + b"x")
        append(err, mark(22) + b"b" * (9 * HALF))
        left = files.left_by(11)
        assert left is not None
        assert left.out.startswith("aaa")
        assert left.out.endswith("athe end")
        assert f"[… {HALF + 7:,} bytes left out …]" in left.out
        assert files.left_by(22) == Output("x", shortened(b"b" * (9 * HALF)))

    def test_where_there_are_too_few_descriptors_none_is_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = Files.create
        made: list[tuple[int, str]] = []

        def create_some(self: Files, name: str, size: int = 0) -> tuple[int, str]:
            if len(made) == 3:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            made.append(create(self, name, size))
            return made[-1]

        monkeypatch.setattr(Files, "create", create_some)
        with pytest.raises(OSError, match="Too many open files"):
            OutputFiles(2)
        assert len(made) == 3
        for fd, _ in made:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(fd)

    def test_endless_output_takes_no_memory(self, files: OutputFiles) -> None:
        out, _ = files.paths[0]
        append(out, mark(11) + b"x" * (2 * LARGE))
        files.trim()
        assert os.stat(out).st_size == 2 * LARGE + len(mark(11))
        assert 512 * os.stat(out).st_blocks < LARGE
        assert files.left_by(11) == Output(shortened(b"x" * (2 * LARGE)), "")

    def test_many_places_need_no_descriptor_each_and_leave_no_file(self) -> None:
        files = OutputFiles(MOST_NAMELESS + 1)
        folder = Path(files.paths[0][0]).parent
        assert len(list(folder.iterdir())) == 2 * (MOST_NAMELESS + 1)
        append(files.paths[5][1], mark(11) + b"there")
        files.trim()
        assert files.left_by(11) == Output("", "there")
        files.close()
        assert not folder.exists()


class TestPhases:
    def test_are_slices_of_the_whole(self) -> None:
        parts = [
            ("setup", Output("a", "", ({"msg": "1"},))),
            ("setup", Output("b", "x")),
            ("call", Output("", "yy", ({"msg": "2"}, "3"))),
            ("teardown", Output("c")),
        ]
        whole = Output.joined(parts)
        assert whole[:3] == ("abc", "xyy", ({"msg": "1"}, {"msg": "2"}, "3"))
        assert whole.during("setup") == Output("ab", "x", ({"msg": "1"},))
        assert whole.during("call") == Output("", "yy", ({"msg": "2"}, "3"))
        assert whole.during("teardown") == Output("c")
        assert not whole.during("elsewhere").is_any

    def test_without_them_all_output_belongs_to_the_call(self) -> None:
        output = Output("out", "err")
        assert output.during("call") == output
        assert not output.during("setup").is_any

    def test_a_warning_of_two_of_them_is_one(self) -> None:
        warned = Warned(("builtins", "UserWarning"), "text", "a.py", 3)
        whole = Output.joined(
            [("setup", Output(warned=(warned,))), ("call", Output(warned=(warned,)))]
        )
        assert whole.is_any
        assert whole.warned == (warned,)

    def test_in_a_thread_are_separated(self, capsys: pytest.CaptureFixture[str]) -> None:
        capture = ThreadCapture(Capture())
        capture.start()
        enter("setup")  # without a listener
        capture.begin(0)
        for phase in ("setup", "call", "teardown"):
            enter(phase)
            if phase != "call":
                print("in", phase)
        output = capture.end()
        capture.close()
        assert output is not None
        assert output.during("setup").out == "in setup\n"
        assert not output.during("call").is_any
        assert output.during("teardown").out == "in teardown\n"


class TestThreads:
    def test_output_without_a_running_task_is_passed_on(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        capture = ThreadCapture(Capture())
        capture.start()
        print("before")
        capture.begin(0)
        print("during")
        sys.stdout.write("still ")
        sys.stdout.buffer.write("dürïng".encode())
        output = capture.end()
        print("after")
        capture.close()
        assert output == Output("during\nstill dürïng", "")
        assert capsys.readouterr().out == "before\nafter\n"

    def test_a_stream_works_like_the_one_it_replaces(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        capture = ThreadCapture(Capture())
        capture.start()
        try:
            capture.begin(0)
            assert sys.stdout.writable()
            assert not sys.stdout.isatty()
            assert (sys.stdout.encoding, sys.stdout.errors) == ("utf-8", "replace")
            sys.stdout.flush()
            sys.stdout.close()  # other threads use it as well
            assert print("printed", flush=True) is None
            subprocess.run(["echo", "a child"], stdout=sys.stdout, check=True)
            with pytest.raises(TypeError, match="must be str, not bytes"):
                sys.stdout.write(b"bytes")  # type: ignore[arg-type]
            assert capture.end() == Output("printed\n", "")
        finally:
            capture.close()
        assert capfd.readouterr().out == "a child\n"

    def test_the_output_so_far_of_an_abandoned_thread_is_kept(self) -> None:
        capture = ThreadCapture(Capture())
        capture.start()
        has_printed, may_end = threading.Event(), threading.Event()

        def work() -> None:
            capture.begin(0)
            print("so far")
            has_printed.set()
            may_end.wait(10)

        thread = threading.Thread(target=work)
        thread.start()
        has_printed.wait(10)
        assert capture.end(thread.ident) == Output("so far\n", "")
        assert capture.end(thread.ident) is None
        may_end.set()
        thread.join()
        capture.close()


class TestFilters:
    def test_that_are_sent_arrive_unchanged(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            warnings.filterwarnings("ignore", "some.*text", UserWarning, r"a\.module", 7)
            warnings.filterwarnings("always", category=pytest.PytestWarning)
            wanted = filters_here()
            assert wanted[1] == (
                "ignore",
                "some.*text",
                ("builtins", "UserWarning"),
                r"a\.module",
                7,
            )
            use_filters(wanted)
            # After them comes one that matches nothing.
            assert filters_here()[:-1] == tuple(dict.fromkeys(wanted))

    def test_by_name_apply_to_a_class_that_is_imported_later(self) -> None:
        with warnings.catch_warnings(record=True) as heard:
            use_filters((("error", None, ("to_come", "LateWarning"), None, 0),))
            warnings.warn("other", stacklevel=1)
            late = type("LateWarning", (Warning,), {"__module__": "to_come"})
            sub = type("SubWarning", (late,), {})
            for kind in (late, sub):
                with pytest.raises(kind, match="now"):
                    warnings.warn("now", kind, stacklevel=1)
        assert [str(one.message) for one in heard] == ["other"]


class TestWarnings:
    def test_of_an_unknown_class_have_its_name(self) -> None:
        recorded = warning_of(Warned(("nowhere", "Outer.GoneWarning"), "the text", "a.py", 3))
        assert recorded.category.__name__ == "GoneWarning"
        assert isinstance(recorded.message, Warning)
        shown = warnings.formatwarning(recorded.message, recorded.category, "a.py", 3)
        assert shown.startswith("a.py:3: GoneWarning: the text")

    def test_of_an_object_that_cannot_be_loaded_have_its_text(self) -> None:
        recorded = warning_of(
            Warned(("builtins", "UserWarning"), "the text", "a.py", 3, b"rubbish")
        )
        assert recorded.category is UserWarning
        assert str(recorded.message) == "the text"

    def test_are_identified_by_class_text_and_place(self) -> None:
        key = key_of(UserWarning("text"), UserWarning, "a.py", 3)
        assert key == Warned(("builtins", "UserWarning"), "text", "a.py", 3)[:4]
        assert key != key_of(UserWarning("text"), FutureWarning, "a.py", 3)


class TestOutput:
    def test_is_pickled_where_nothing_can_be_imported(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warned = Warned(("builtins", "UserWarning"), "text", "a.py", 3)
        output = Output("out", "err", ({"msg": "logged"},), (warned,), (("call", 0, 0, 0),))
        with monkeypatch.context() as broken:
            broken.setattr(builtins, "__import__", None)
            data = by_reference(output.plain, protocol=5)
        assert Output.of(load(data)) == output

    def test_of_logs_has_built_in_types_only(self) -> None:
        class Text(str):
            def __reduce__(self) -> str:
                raise RuntimeError("not to be pickled")

        class Number(int):
            pass

        entries: Entries[Mapping[str, object]] = Entries()
        record = logging.makeLogRecord({"msg": "x", "text": Text("t"), "levelno": Number(20)})
        Listener(Capture(), lambda: entries).emit(record)
        (kept,) = entries.all()
        assert isinstance(kept, dict)
        assert (kept["text"], type(kept["text"])) == ("t", str)
        assert (kept["levelno"], type(kept["levelno"])) == (20, int)
