"""The payload: shared values are sent once, unsendable parts are named, modules are in a table."""

from __future__ import annotations

import functools
import gc
import os
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import parwork_tasks as tasks
import pytest

from pytest_parwork.model.work import Address, Task
from pytest_parwork.transport.culprit import explain
from pytest_parwork.transport.files import Files
from pytest_parwork.transport.held import load_sent
from pytest_parwork.transport.modules import project_modules
from pytest_parwork.transport.payload import SMALL, Part, Payload
from pytest_parwork.transport.pickling import dumps
from pytest_parwork.transport.records import read_record
from pytest_parwork.worker.copies import Copies

LOCK = threading.Lock()


@pytest.fixture
def files() -> Iterator[Files]:
    files = Files()
    yield files
    files.close()


def task(*args: object, function: Callable[..., object] = tasks.identity, **kwargs: object) -> Task:
    return Task(id="task", function=function, args=args, kwargs=kwargs)


def write(files: Files, *tasks: Task) -> Payload:
    return Payload.write(tasks, files)


def refusal(files: Files, value: object) -> str:
    payload = write(files, task(value))
    return payload.rejected[0].detail.removeprefix("argument 1 cannot be sent to a worker: ")


def test_a_value_that_tasks_share_is_written_once(files: Files) -> None:
    shared = ["shared"]
    payload = write(files, task(shared, 1000), task(shared, 2000), task(shared, key=shared))
    first, second, third = payload.contents.calls
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.args[0] == second.args[0] == third.args[0] == third.kwargs[0][1]
    assert first.args[1] != second.args[1]
    assert len(payload.contents.functions) == 1
    assert len(payload.contents.values) == 4  # the function, the list and two numbers


def test_an_open_file_is_refused_and_named_with_the_way_to_it(files: Files) -> None:
    with open(__file__, encoding="utf-8") as file:
        assert refusal(files, {"log": file}) == (
            f"['log'] is a _io.TextIOWrapper: cannot pickle the open file {__file__!r}; "
            "use its path, or what is read from it"
        )
        assert "open file" in refusal(files, lambda: file)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_every_process_prints_to_is_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, name, stream)
        loaded = pickle.loads(dumps({"to": stream, "log": lambda: stream}))
        assert loaded["to"] is loaded["log"]() is stream


def test_small_values_stand_in_the_table_and_large_ones_in_the_file(files: Files) -> None:
    payload = write(files, task(7, "x" * SMALL), task(np.zeros(100_000)))
    small, text, array = payload.contents.values[1:]  # the function comes first
    assert isinstance(small, bytes)
    assert pickle.loads(small) == 7
    with open(payload.path, "rb") as file:
        assert isinstance(text, tuple)
        assert read_record(file.fileno(), *text) == "x" * SMALL
        assert isinstance(array, tuple)
        assert isinstance(read_record(file.fileno(), *array, load_sent), np.ndarray)


def test_a_function_by_address_is_not_serialised(files: Files) -> None:
    address = Address(module="some.module", classes=("Test",), attribute="test")
    sent = Task(id="task", function=lambda: LOCK, address=address)
    payload = write(files, sent, sent)
    assert payload.contents.functions == (address,)
    assert not payload.rejected


def test_values_that_do_not_live_on_do_not_share_a_number(files: Files) -> None:
    payload = write(files, *[Task(id="t", function=abs, args=([x],)) for x in range(50)])
    assert len(payload.contents.values) == 51


def test_a_task_that_cannot_be_sent_does_not_touch_the_others(files: Files) -> None:
    payload = write(files, task(1), task(threading.Lock()), task(2))
    assert list(payload.rejected) == [1]
    assert [call is None for call in payload.contents.calls] == [False, True, False]


def test_the_same_bad_value_is_named_for_each_task_by_its_own_place(files: Files) -> None:
    bad = threading.Lock()
    payload = write(files, task(bad), task(1, bad), task(key=bad))
    starts = [why.detail.partition(" cannot")[0] for why in payload.rejected.values()]
    assert starts == ["argument 1", "argument 2", "argument 'key'"]


def test_a_refusal_keeps_none_of_the_run_s_values_alive(files: Files) -> None:
    class Value:
        pass

    value = Value()
    watch = weakref.ref(value)
    payload = write(files, task(value, threading.Lock()))
    why = payload.rejected[0]
    del value, payload
    gc.collect()
    assert watch() is None
    assert (why.reason, why.name, why.path) == ("argument", "2", "")


def test_the_offending_part_is_named_as_in_code(files: Files) -> None:
    why = "is a _thread.lock: cannot pickle '_thread.lock' object"
    assert refusal(files, {"k": [1, tasks.Model()]}) == f"['k'][1].parts[1]['lock'] {why}"
    assert refusal(files, tasks.Slotted()) == f".lock {why}"
    assert refusal(files, functools.partial(tasks.identity, LOCK)) == f".args[0] {why}"
    assert refusal(files, functools.partial(print, end=LOCK)) == f".keywords['end'] {why}"
    assert refusal(files, tasks.Model().__init__) == f".__self__.parts[1]['lock'] {why}"  # type: ignore[misc]  # a bound method
    assert refusal(files, lambda: LOCK) == f".<LOCK> {why}"
    assert refusal(files, LOCK) == f"it {why}"


def test_a_closure_with_an_empty_cell_can_be_explained(files: Files) -> None:
    lock = threading.Lock()

    def outer() -> object:
        return lock, later  # noqa: F821, because it is deleted on purpose

    later = 1
    del later
    assert refusal(files, outer).startswith(".<lock> is a _thread.lock")


def test_an_object_that_refers_to_itself_can_be_explained(files: Files) -> None:
    loop: list[object] = [LOCK]
    loop.insert(0, loop)
    assert refusal(files, loop).startswith("[1] is a _thread.lock")


def test_parts_that_raise_anything_can_be_explained() -> None:
    text = explain([tasks.ExitsInPickle()], RuntimeError("outer"))
    assert text == "[0] is a parwork_tasks.ExitsInPickle: from a pickle"


def test_an_object_that_cannot_be_asked_for_its_parts_is_named_itself() -> None:
    class Shy:
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError("no")

    assert "Shy: outer" in explain(Shy(), RuntimeError("outer"))


def test_copied_arguments_are_shared_as_the_originals_are() -> None:
    shared, large = [1], np.zeros(100_000)
    (one, _), (two, kwargs) = Copies.of([task(shared, large), task(shared, key=large)]).arguments
    assert one[0] is two[0]
    assert one[0] is not shared
    assert one[1] is kwargs["key"]
    assert not np.shares_memory(one[1], large)


def test_arguments_that_cannot_be_copied_are_passed_on_and_the_others_copied() -> None:
    values = [1]
    copies = Copies.of([task(LOCK, values), task(values, LOCK), task(values)])
    (one, _), (two, _), _ = copies.arguments
    assert one[0] is two[1] is LOCK
    assert one[1] is two[0]
    assert one[1] == values
    assert one[1] is not values
    assert copies.shared == {0: "argument 1", 1: "argument 2"}


def test_copying_an_instance_of_a_local_class_leaves_the_class_untouched() -> None:
    class Local:
        seen: list[int] = []  # noqa: RUF012, because it is what could be replaced

        def method(self) -> None: ...

    method, seen = Local.method, Local.seen
    value = Local()
    vars(value)["state"] = 1  # without any, it would arrive as itself
    (args, _), *_ = Copies.of([task(value)]).arguments
    assert type(args[0]) is Local
    assert args[0] is not value
    assert Local.method is method
    assert Local.seen is seen


def test_read_only_arrays_stay_read_only_in_the_copy() -> None:
    array = np.zeros(10)
    array.flags.writeable = False
    (args, _), *_ = Copies.of([task(array)]).arguments
    assert isinstance(args[0], np.ndarray)
    assert not args[0].flags.writeable


def test_the_module_table_holds_what_is_imported_from_below_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(name: str, file: Path | None, folder: Path | None = None) -> None:
        module = ModuleType(name)
        module.__file__ = None if file is None else str(file)
        if folder is not None:
            module.__path__ = [str(folder)]
        monkeypatch.setitem(sys.modules, name, module)

    put("inside", tmp_path / "inside.py")
    put("package", tmp_path / "package" / "__init__.py", tmp_path / "package")
    put("space", None, tmp_path / "space")
    put("space.module", tmp_path / "space" / "module.py")
    put("extension", tmp_path / "extension.so")
    put("outside", tmp_path.parent / "outside.py")
    assert project_modules(tmp_path) == {
        "inside": (str(tmp_path / "inside.py"), None),
        "package": (str(tmp_path / "package" / "__init__.py"), (str(tmp_path / "package"),)),
        "space": (None, (str(tmp_path / "space"),)),
        "space.module": (str(tmp_path / "space" / "module.py"), None),
    }


def test_installed_packages_are_not_in_the_module_table() -> None:
    table = project_modules(Path("/"))
    assert "parwork_tasks" in table
    assert "__main__" not in table
    assert not {"numpy", "pytest", "pathlib"} & set(table)


class Node:
    def __init__(self, *parts: object) -> None:
        self.parts = parts


class TestArgumentsThatHoldTheSameObjects:
    def test_are_written_together_once_for_all_tasks(self, files: Files) -> None:
        node, apart = Node(), Node()
        holder = [node]
        payload = write(files, *(task(node, holder, apart, n) for n in range(3)), task(node, apart))
        calls = [call for call in payload.contents.calls if call is not None]
        assert len({call.args[:3] for call in calls[:3]}) == 1
        parts = [isinstance(payload.contents.values[number], Part) for number in calls[0].args]
        assert parts == [True, True, False, False]
        assert not any(isinstance(payload.contents.values[n], Part) for n in calls[3].args)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ([1, "text", (2, 3)], ["text", (2, 3)]),
            (np.arange(3.0), np.ones(2)),
            ([Node], [Node]),
            ([sys.platform, os.getcwd], [sys.platform, os.getcwd]),
        ],
    )
    def test_are_not_those_with_the_same_immutable_values(
        self, files: Files, first: object, second: object
    ) -> None:
        payload = write(files, task(first, second))
        assert not any(isinstance(place, Part) for place in payload.contents.values)

    def test_a_long_pickle_is_not_searched(self, files: Files) -> None:
        node = Node()
        payload = write(files, task(node, [node, *map(str, range(100_000))]))
        assert not any(isinstance(place, Part) for place in payload.contents.values)

    def test_what_only_cloudpickle_can_send_is_sent_apart(self, files: Files) -> None:
        node = Node(lambda: None)
        payload = write(files, task(node, [node]))
        assert payload.rejected == {}
