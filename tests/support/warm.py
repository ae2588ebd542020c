"""A process that has imported what every session imports, and forks for each that a test starts.

The imports take three times as long as the rest of a small session. This file is also the program
of that process. A session differs from one of a shell in its parent, and in what is imported
already: tests of the start-up itself ask for a cold one.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

#: Bytes of the longest request: its arguments and its environment.
LONGEST = 150_000

#: Seconds that the process has to end when nobody will ask it any more.
DEADLINE = 5.0

#: Descriptors above this one are not open.
DESCRIPTORS = 1024

#: Variables that Python or its libraries read once, when they start, by how they begin.
ONCE = ("PYTHON", "LANG", "LC_", "LD_", "TZ", "MALLOC_", "COVERAGE_")

#: Without it, pytest rewrites the assertions of plugins, and warns where they are imported already.
ALONE = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"

#: Libraries that a session may do without; what of ours needs one is imported in its turn, unless
#: a process is asked to import the library.
LIBRARIES = ("dask", "distributed", "joblib", "numpy", "ray", "xdist")


class Forked:
    """A process that was forked, with the part of `subprocess.Popen` that the tests use."""

    def __init__(self, pid: int, reply: socket.socket, out: int, err: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._reply = reply
        self._pipes = {out: bytearray(), err: bytearray()}

    def poll(self) -> int | None:
        """Return the exit code, or None while the process is running."""
        return self._wait(0.0)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what the process has written, when it has exited and its pipes are closed."""
        until = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for fd in self._pipes:
                selector.register(fd, selectors.EVENT_READ)
            while selector.get_map():
                left = None if until is None else max(0.0, until - time.monotonic())
                if not (ready := selector.select(left)):
                    raise subprocess.TimeoutExpired("pytest", timeout or 0.0)
                for key, _ in ready:
                    if part := os.read(key.fd, 1 << 16):
                        self._pipes[key.fd] += part
                    else:
                        selector.unregister(key.fd)
        if self._wait(None if until is None else max(0.0, until - time.monotonic())) is None:
            raise subprocess.TimeoutExpired("pytest", timeout or 0.0)
        for fd in self._pipes:
            os.close(fd)
        out, err = (bytes(text).decode(errors="replace") for text in self._pipes.values())
        return out, err

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._reply], [], [], timeout)[0]:
            with self._reply:
                status = self._reply.recv(64)
            assert status, "the process that forks sessions has ended"
            self.returncode = os.waitstatus_to_exitcode(int(status))
        return self.returncode


class Warm:
    """The process that forks; it is started for the first session.

    It imports `libraries` and other `modules`, too. When it ends, what it has forked gets `ending`.
    """

    def __init__(
        self,
        *,
        libraries: Sequence[str] = (),
        modules: Sequence[str] = (),
        ending: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._words = [str(int(ending)), ",".join(libraries), ",".join(modules)]
        self._process: subprocess.Popen[bytes] | None = None
        self._once: Mapping[str, str] = {}

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Return whether a session in this environment can be forked."""
        once = {name: value for name, value in environment.items() if name.startswith(ONCE)}
        if self._process is None:
            self._once = once
            self._begin(environment)
        is_measured = any(name.startswith("COVERAGE_") for name in environment)
        return ALONE in environment and once == self._once and not is_measured

    def fork(
        self, script: str, arguments: Sequence[str], cwd: str, environment: Mapping[str, str]
    ) -> Forked:
        """Run a script of Python in a process of its own, the first of its group and session.

        The script `-m` is the module that is the first of the arguments.
        """
        reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (out, out_there), (err, err_there) = os.pipe(), os.pipe()
        stdin = os.open(os.devnull, os.O_RDONLY)
        request = json.dumps([script, list(arguments), cwd, dict(environment)]).encode()
        there = [stdin, out_there, err_there, theirs.fileno()]
        socket.send_fds(self._channel, [request], there)
        for fd in there[:3]:
            os.close(fd)
        theirs.close()
        return Forked(int(reply.recv(64)), reply, out, err)

    def _begin(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *self._words],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # of a terminal, each line would be written at once
                env=environment,
                cwd=os.path.dirname(__file__),  # not the project of the first session
                start_new_session=True,
            )

    def close(self) -> None:
        """End the process, and with it what it has forked."""
        if self._process is not None:
            self._channel.close()
            self._process.wait(DEADLINE)


def serve(channel: socket.socket, ending: int = signal.SIGKILL) -> None:
    """Fork for each request, and reply with the id of the process, and its status when it exits.

    When nobody can make requests any more, the forked processes get a signal, and are waited for.
    """
    running: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd != channel.fileno():
                poll.unregister(fd)
                os.close(fd)
                pid, reply = running.pop(fd)
                with reply, suppress(OSError):  # nobody may wait for it any more
                    reply.send(str(os.waitpid(pid, 0)[1]).encode())
                continue
            request, fds, _, _ = socket.recv_fds(channel, LONGEST, 4)
            if not request:
                for pid, _ in running.values():
                    os.kill(pid, ending)
                for pid, _ in running.values():
                    os.waitpid(pid, 0)
                return
            if not (pid := os.fork()):
                for other in (channel, *(reply for _, reply in running.values())):
                    other.detach()  # else it would close a descriptor that is no longer its own
                script, arguments, cwd, environment = json.loads(request)
                run(script, arguments, cwd, environment, fds)
            reply = socket.socket(fileno=fds.pop())
            for fd in fds:
                os.close(fd)
            running[os.pidfd_open(pid)] = (pid, reply)
            poll.register(next(reversed(running)), select.POLLIN)
            reply.send(str(pid).encode())


def run(
    script: str,
    arguments: Sequence[str],
    cwd: str,
    environment: Mapping[str, str],
    fds: Sequence[int],
) -> None:
    """Do what Python does that is started with a script, and exit with the process."""
    os.setsid()
    for at, fd in enumerate(fds[:3]):
        os.dup2(fd, at)
    os.closerange(3, DESCRIPTORS)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    _forget(cwd)
    if script == "-m":
        sys.argv, sys.path[0] = list(arguments), cwd
        sys.orig_argv = [sys.executable, script, *arguments]
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        sys.exit()
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)
    main = types.ModuleType("__main__")
    main.__file__ = script
    sys.modules["__main__"] = main
    with open(script, encoding="utf-8") as file:
        program = compile(file.read(), script, "exec")
    try:
        exec(program, main.__dict__)
    except SystemExit as exited:
        if isinstance(exited.code, int):
            _exit(exited.code)
        raise
    _exit(0)


def _exit(code: int) -> NoReturn:
    """Exit as Python does, but for taking every module apart.

    That writes to all memory that is shared with the parent: a third of a small session. Modules
    are taken apart in sessions with a cold start, in those of the examples, and in the attacks.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _forget(cwd: str) -> None:
    """Replace what imported modules have noted of the process that imported them."""
    tempfile.tempdir = None
    if process := sys.modules.get("multiprocessing.process"):
        process.ORIGINAL_DIR = cwd  # type: ignore[attr-defined]  # spawned processes get it
    if random := sys.modules.get("numpy.random"):
        random.seed()


def warm_up(libraries: Sequence[str] = (), modules: Sequence[str] = ()) -> None:
    """Import what a session imports that uses parwork and these libraries."""
    import importlib
    import pkgutil
    import platform

    hidden = [name for name in LIBRARIES if name not in libraries]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # so that importing it fails
    from _pytest.config import default_plugins

    import pytest_parwork

    others = ("asyncio", "cloudpickle", "multiprocessing.pool", "pdb", "pytest", "unittest.case")
    builtin = [f"_pytest.{name}" for name in default_plugins if name != "faulthandler"]
    walked = pkgutil.walk_packages(pytest_parwork.__path__, "pytest_parwork.")
    ours = [name for _, name, _ in walked if not {"__main__", "libraries"} & {*name.split(".")}]
    for name in (*others, *builtin, *libraries, *ours):
        with suppress(ImportError):
            importlib.import_module(name)
    for name in hidden:
        del sys.modules[name]
    sys.path[0] = os.path.dirname(os.path.dirname(__file__))
    for name in modules:
        importlib.import_module(name)
    platform.processor()  # for the report; it starts a program, once in a process
    # Each session collects garbage several times, which would copy every page of what is here.
    gc.collect()
    gc.freeze()


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


if __name__ == "__main__":
    warm_up(_names(sys.argv[3]), _names(sys.argv[4]))
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
