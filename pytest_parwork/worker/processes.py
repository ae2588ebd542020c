"""The work of a worker process for a run: attach to it, run batches, store outcomes."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from ..machine.clock import cpu_of_process, now
from ..machine.limits import Limits
from ..machine.marks import mark_worker
from ..machine.process_groups import enroll
from ..machine.stacks import keep_stack
from ..machine.system import is_main_thread, os, restore_exit
from ..model.errors import BackendError
from ..model.outcome import NotSent
from ..model.output import Output
from ..model.work import Address, Batch, Task
from ..transport.addresses import find
from ..transport.held import MadeOnce
from ..transport.ledger import Kind, Ledger, State
from ..transport.modules import take_over
from ..transport.payload import Call, Handle, Header, Places
from ..transport.pickling import by_reference
from ..transport.spool import Spool
from .arrival import Interruptible, lead_a_group, start_processes_by
from .calling import end_copy_of, exit_unusable, meet, perform
from .capture.process import ProcessCapture
from .capture.threads import ThreadCapture
from .current_test import exchange_name, name_test
from .fixtures.ended import with_late
from .inputs import Inputs, is_sampled
from .results import Packed, no_room_for, pack

#: The table of modules; if this module is not in it any more, a task has unloaded it.
MODULES = sys.modules
THIS = MODULES[__name__]
PACKAGE = __name__.partition(".")[0]

#: The function of a task, with its arguments.
Loaded = tuple[Callable[..., object], Sequence[object], Mapping[str, object]]


class _UnloadableError(Exception):
    """Raised for an argument that cannot be loaded."""

    def __init__(self, why: NotSent) -> None:
        super().__init__(why.detail)
        self.why = why


class ProcessCall:
    """Run batches in another process of this machine; sent with every batch.

    `inherited` are the tasks, by number, that exist only in the memory of a forked process.
    """

    __slots__ = ("_handle", "_inherited")

    def __init__(self, handle: Handle, inherited: Mapping[int, Task] | None = None) -> None:
        self._handle = handle
        self._inherited = inherited or {}

    def __reduce__(self) -> tuple[type[ProcessCall], tuple[Handle]]:
        return ProcessCall, (self._handle,)

    def __call__(self, batch: Batch, /) -> int:
        try:
            self._run(batch)
        except Exception as error:
            if Attached.has_called:
                exit_unusable(error)
            raise
        return batch.number

    def attach(self) -> Attached:
        """Attach this process to the run."""
        return Attached.to(self._handle)

    def _run(self, batch: Batch) -> None:
        run = self.attach()
        worker = os.getpid()
        if not run.has_met:
            run.has_met = True
            meet(run.ledger, batch, worker, run.header.patience)
        for number in batch.tasks:
            # dask repeats a batch if its worker left the cluster before it could report the end.
            if run.ledger.state(number) is not State.STORED:
                run.run_task(number, worker, self._inherited.get(number))


class Attached:
    """The attachment of a worker process to the run that it works for, one at a time."""

    current: Attached | None = None
    #: The modules of pytest's process when it forks: a worker that listed its own would write to
    #: the memory of each, and so copy it, a fifth of what it copies.
    forked_with: ClassVar[Mapping[str, Any]] = {}
    #: Whether this process has called a task, of any run.
    has_called = False
    #: How the function of a task is called, and the CPU seconds of what runs it.
    _perform: Callable[..., tuple[Kind, object]] = staticmethod(perform)
    _cpu: Callable[[], float] = staticmethod(cpu_of_process)

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self.header, places = handle.read()
        if places.runner == os.getpid():
            raise BackendError("it runs tasks in the process of pytest, not in workers")
        self._fd = os.open(places.payload, os.O_RDONLY)
        self.has_met = False
        lead_a_group()
        if is_main_thread():
            self._perform = Interruptible()
        if places.registry is not None:
            enroll(places.registry)
            self._mark = mark_worker(places.registry)
        self.spool = Spool.claim(places.spools)
        self._stack = keep_stack(places.stacks, self.spool.number)  # an import may never end
        process = os.getpid()
        try:
            self._attach(self.header, places)
        except BaseException:
            end_copy_of(process)
            self.spool.close()  # or every further batch would take another spool
            raise
        end_copy_of(process)  # an import may return twice

    def _attach(self, header: Header, places: Places) -> None:
        if header.surroundings is not None:
            header.surroundings.take_over()
        test = exchange_name(None)  # modules are imported as by pytest, while no test is running
        start_processes_by(places.start_method)
        self._capture: ProcessCapture | ThreadCapture | None = None
        if header.capture is not None:  # now, because modules may print while they are imported
            paths = places.outputs[self.spool.number] if places.outputs else None
            self._capture = ProcessCapture(header.capture, paths)
        limits = Limits(header.threads)
        limits.take()  # before a library is loaded, which starts as many threads as it is allowed
        inherited, Attached.forked_with = self.forked_with, {}  # they hold for the first run only
        take_over(header.modules, header.path, header.rewritten, is_fork=bool(inherited))
        self._functions = [self._function(entry) for entry in header.contents.functions]
        limits.take()
        exchange_name(test)
        self.modules = inherited or dict(sys.modules)
        self.ledger = Ledger.open(places.ledger)

    @classmethod
    def to(cls, handle: Handle) -> Attached:
        """Return the attachment to the run of `handle`, made on the first batch."""
        # A forked child inherits its parent's attachment: same run, another process's spool.
        if cls.current is None or cls.current._handle.run != handle.run:
            if cls.current is not None:
                cls.current.close()
                cls.current = None  # it is closed even if the next one cannot be made
            cls.current = cls(handle)
        return cls.current

    def close(self) -> None:
        faulthandler.disable()  # else it would write to a descriptor that is reused by then
        os.close(self._stack)
        os.close(self._fd)
        if self._capture is not None:
            self._capture.close()
        self.spool.close()

    def run_task(self, number: int, worker: int, inherited: Task | None = None) -> None:
        """Run a task and store its outcome, of any kind; the payload has no inherited tasks."""
        if self.ledger.state(number) is State.PENDING:  # else it has arrived in the rendezvous
            self.ledger.arrive(number, worker, now())
        capture, output, process = self._capture, None, os.getpid()
        kind: Kind
        value: object
        found = self._called(number, inherited)
        if isinstance(found, BaseException):
            kind, value = "failure", found
        elif isinstance(found, NotSent):
            kind, value = "not_sent", found
        else:
            function, args, kwargs = found
            is_in_sample = is_sampled(number, len(self.header.contents.calls))
            inputs = Inputs(args, kwargs) if is_in_sample else None
            self.prepare(number, is_by_pytest=inherited is not None)
            cpu = self._cpu()
            self.ledger.start(number, now())
            Attached.has_called = True
            kind, value = self._perform(function, args, kwargs)
            self.ledger.end(number, now(), self._cpu() - cpu)
            if MODULES.get(__name__) is not THIS:
                self._restore_modules()
            restore_exit()
            if capture is not None:
                kind, value = with_late(kind, value, capture.late())
                output = capture.end()
            if inputs is not None and inputs.changed():
                self.ledger.note_change(number)
            del args, kwargs, inputs
        packed = pack(kind, value)
        del found, value  # before it is stored, because a `__del__` may never end, either
        end_copy_of(process)  # any code of arguments and result may have forked this process
        self._store(number, packed, output)

    def prepare(self, number: int, *, is_by_pytest: bool = False) -> None:
        """Capture output from now on by the settings of a task, and name its test."""
        if self._capture is not None:
            self._capture.begin(number, is_by_pytest=is_by_pytest)
        call = self.header.contents.calls[number]
        if call is not None and call.test:
            name_test(call.test, "call")

    def _restore_modules(self) -> None:
        """Restore modules that a task has unloaded: this package's, and those loaded at the start.

        A second copy of this package would know nothing of the run.
        """
        for name, module in self.modules.items():
            if name.partition(".")[0] == PACKAGE or name not in MODULES:
                MODULES[name] = module

    def _called(self, number: int, inherited: Task | None) -> Loaded | NotSent | BaseException:
        """Return the function of a task with its arguments, or why it cannot be called."""
        around = self.header.around
        if inherited is not None:
            function = inherited.function if around is None else around(inherited.function)
            return function, inherited.args, inherited.kwargs
        loaded = self.load_call(number, {})
        if around is None or not isinstance(loaded, tuple):
            return loaded
        return around(loaded[0]), *loaded[1:]

    def load_call(self, number: int, seen: dict[int, object]) -> Loaded | NotSent | BaseException:
        """Load the function of a task, and its arguments; those in `seen` are used again."""
        call = self.header.contents.calls[number]
        assert call is not None, "a task was submitted that could not be sent"
        found = self._functions[call.function]
        if isinstance(found, BaseException):
            return found
        try:
            function = find(found) if isinstance(found, Address) else found
            with MadeOnce():
                return function, *self._arguments(call, seen)
        except _UnloadableError as error:
            return error.why
        except BaseException as error:
            return error

    def _arguments(
        self, call: Call, seen: dict[int, object]
    ) -> tuple[list[object], dict[str, object]]:
        """Load fresh copies of the arguments; the same object twice stays one object."""
        return (
            [self._argument(value, n, seen) for n, value in enumerate(call.args, start=1)],
            {key: self._argument(value, key, seen) for key, value in call.kwargs},
        )

    def _argument(self, value: int, name: int | str, seen: dict[int, object]) -> object:
        if value not in seen:
            try:
                self.header.contents.load(value, self._fd, seen)
            except BaseException as error:
                text = str(error).partition("\n")[0][:200]
                why = f"cannot be loaded in a worker: {type(error).__name__}: {text}"
                raise _UnloadableError(NotSent.of_argument(name, why)) from None
        return seen[value]

    def _function(self, entry: Address | int) -> Callable[..., object] | Address | BaseException:
        """Resolve a function once; an error is the failure of each task that needs it."""
        try:
            if isinstance(entry, int):
                function = self.header.contents.load(entry, self._fd, {})
                assert callable(function)
                return cast("Callable[..., object]", function)
            function = find(entry)
        except BaseException as error:
            return error
        # A method is bound to a fresh instance for every task, as pytest does.
        return entry if entry.classes else function

    def _store(self, number: int, packed: Packed, output: Output | None) -> None:
        kind, data, buffers = packed
        try:
            place = self.spool.append(data, buffers)
        except OSError as error:  # no memory, or a limit on the size of files
            kind, data, buffers = pack("not_sent", no_room_for(data, buffers, error))
            try:
                place = self.spool.append(data, buffers)
            except OSError as again:
                self.ledger.store_nothing(number, again.errno or 0)
                return
        buffers.clear()  # they may be the last to hold parts of the value
        has_output = output is not None and self._has_stored(output)
        self.ledger.store(number, kind, self.spool.number, *place, has_output=has_output)

    def _has_stored(self, output: Output) -> bool:
        try:
            self.spool.append(by_reference(output.plain, protocol=5), [])
        except OSError:
            return False
        return True
