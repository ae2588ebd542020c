"""What the code of tests and fixtures shows before it runs."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import Any

#: What sends a signal to this process, or waits for one: the main thread receives it.
SIGNALS = ("pause", "pthread_kill", "raise_signal", "sigwait")

#: What changes the whole process while it is used, by module and name. In threads, other cases see
#: the change. Generators of random numbers are left out: there a difference is a finding.
CHANGING = {
    "_thread": ("interrupt_main",),
    "aioresponses": ("aioresponses",),
    "approvaltests": (  # a second call for a test is an error, in the same process
        "verify",
        "verify_all",
        "verify_all_combinations",
        "verify_as_json",
        "verify_exception",
        "verify_file",
        "verify_html",
        "verify_xml",
    ),
    "click.testing": ("CliRunner",),
    "contextlib": ("chdir", "redirect_stderr", "redirect_stdout"),
    "faulthandler": ("disable", "enable"),
    "flexmock": ("flexmock",),
    "freezegun": ("freeze_time",),
    "gc": ("disable", "set_threshold"),
    "httmock": ("HTTMock", "with_httmock"),
    "httpretty": ("activate", "enable", "enabled", "httprettified"),
    "importlib": ("reload",),
    "inline_snapshot": ("external", "external_file", "snapshot"),
    "locale": ("setlocale",),
    "libfaketime": ("fake_time",),
    "logging": ("disable",),
    "mock": ("patch",),
    "mocket": ("Mocket", "Mocketizer", "mocketize"),
    "mockito": ("expect", "patch", "spy2", "when", "when2"),
    "moto": ("mock_aws",),
    "os": ("chdir", "putenv", "umask", "unsetenv"),
    "pook": ("activate", "on", "use"),
    "pyfakefs.fake_filesystem_unittest": ("Patcher", "Pause", "patchfs"),
    "pytest": ("MonkeyPatch", "assume", "deprecated_call", "warns"),
    "pytest_assume.plugin": ("assume",),
    "requests_mock": ("Mocker", "mock"),
    "responses": ("RequestsMock", "activate"),
    "respx": ("MockRouter", "mock"),
    "signal": (*SIGNALS, "alarm", "setitimer", "signal"),
    "socket": ("setdefaulttimeout",),
    "sys": ("setprofile", "setrecursionlimit", "setswitchinterval", "settrace"),
    "testfixtures": (
        "LogCapture",
        "OutputCapture",
        "Replace",
        "Replacer",
        "ShouldNotWarn",
        "ShouldWarn",
        "log_capture",
        "replace",
        "replace_in_environ",
        "replace_in_module",
        "replace_on_class",
    ),
    "time": ("tzset",),
    "time_machine": ("travel",),
    "tracemalloc": ("start", "stop"),
    "typer.testing": ("CliRunner",),
    "unittest.mock": ("patch",),
    "vcr": ("VCR", "use_cassette"),
    "warnings": (
        "catch_warnings",
        "filterwarnings",
        "resetwarnings",
        "simplefilter",
    ),
}

#: Methods of `unittest.TestCase`, and of subclasses of it, that do so.
_ASSERTING = ("assertLogs", "assertNoLogs", "assertWarns", "assertWarnsRegex", "setUpPyfakefs")

#: Instructions between a mapping and the assignment to a key of it: those that make the key.
_KEY = ("LOAD", "PUSH", "BUILD", "FORMAT", "CONVERT")

#: The instruction that assigns to an attribute.
_STORING = dis.opmap["STORE_ATTR"]

#: Methods by which a mapping is changed.
_WRITING = {"clear", "pop", "popitem", "setdefault", "update"}

#: How deep calls of the project's own functions are followed.
_DEPTH = 3

#: Packages whose decorators change the process around the function.
_DECORATING = {
    "aioresponses",
    "freezegun",
    "httmock",
    "httpretty",
    "libfaketime",
    "mocket",
    "moto",
    "pook",
    "pyfakefs",
    "requests_mock",
    "respx",
    "responses",
    "time_machine",
    "vcr",
}


def constants_around(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """Yield the texts that are constants of the code in a function that uses a name."""
    for code in codes_of(function):
        if name in code.co_names:
            yield from (value for value in code.co_consts if type(value) is str)


def find_change(function: Callable[..., Any]) -> str:
    """Return the first thing in a function that changes the whole process, empty if there is none.

    The functions of the same project that it calls are looked at, too. Nothing is executed; a
    change behind a name that only exists while the code runs is not found.
    """
    left = [(part, 0) for part in _unwrapped(function)]
    met: set[CodeType] = set()
    while left:
        part, depth = left.pop(0)
        if "patchings" in vars(part):  # as `mock.patch` leaves it on what it decorates
            return "mock.patch"
        for maker in _makers(part):
            if maker in _DECORATING:
                return maker
        for code in codes_of(part):
            if code in met:
                continue
            met.add(code)
            if found := _change_in(code, part.__globals__):
                return found
            if depth < _DEPTH:
                left += [(called, depth + 1) for called in _called(code, part)]
    return ""


def sends_signals(function: Callable[..., Any]) -> bool:
    """Return whether a function names what sends a signal to its own process, or waits for one."""
    return any(
        {"kill", "getpid"} <= (used := set(code.co_names)) or not used.isdisjoint(SIGNALS)
        for code in codes_of(inspect.unwrap(function))
    )


def interrupts_itself(function: Callable[..., Any]) -> bool:
    """Return whether a function names SIGINT, and what sends a signal to its own process."""
    names = {name for code in codes_of(inspect.unwrap(function)) for name in code.co_names}
    return "interrupt_main" in names or ("SIGINT" in names and sends_signals(function))


def _unwrapped(function: Callable[..., Any]) -> Iterator[FunctionType]:
    """Yield a function and those that it wraps, as `functools.wraps` says."""
    part: object = getattr(function, "__func__", function)
    while isinstance(part, FunctionType):
        yield part
        part = getattr(part, "__wrapped__", None)


def _makers(part: FunctionType) -> Iterator[str]:
    """Yield the package whose code a function is, and those of the functions in its closure.

    `functools.wraps` gives a wrapper the module of what it wraps. One that the package decorator
    has made only calls the function of the package that uses it.
    """
    yield str(part.__globals__.get("__name__")).partition(".")[0]
    for cell in part.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # it is empty
            continue
        if isinstance(held, FunctionType):
            yield str(held.__globals__.get("__name__")).partition(".")[0]


def codes_of(function: Callable[..., Any]) -> Iterator[CodeType]:
    """Yield the code of a function, and of the functions inside it."""
    code = getattr(function, "__code__", None)
    left = [code] if isinstance(code, CodeType) else []
    while left:
        code = left.pop()
        yield code
        left += [value for value in code.co_consts if isinstance(value, CodeType)]


def _called(code: CodeType, caller: FunctionType) -> Iterator[FunctionType]:
    """Yield the functions of the caller's package that its code names."""
    for name in code.co_names:
        found = caller.__globals__.get(name)
        if isinstance(found, FunctionType) and package(found) == package(caller):
            yield found


def _change_in(code: CodeType, names: Mapping[str, object]) -> str:
    """Return the change that one code object makes.

    Code only lists names: `warnings` and `catch_warnings`. The first is a module among the globals,
    or is imported in the code itself, where its name is a name of the code, too.
    """
    used = set(code.co_names)
    for name in _ASSERTING:
        if name in used:
            return name
    for module, attributes in CHANGING.items():
        for attribute in attributes:  # in this order: that of a set depends on the hash seed
            if attribute in used and _is_from(module, attribute, used, names):
                return f"{module.removeprefix('unittest.')}.{attribute}"
    if {"kill", "getpid"} <= used:  # not that of another process
        return "os.kill"
    if "environ" in used and _writes(code, "environ"):
        return "os.environ"
    if {"sys", "modules"} <= used and _writes(code, "modules"):
        return "sys.modules"
    return _assignment_in(code, names)


def _is_from(module: str, attribute: str, used: set[str], names: Mapping[str, object]) -> bool:
    """Return whether an attribute that the code names is that of a module."""
    if module in used or used.issuperset(module.split(".")):
        return True
    loaded = sys.modules.get(module)
    wanted = getattr(loaded, attribute, None)
    if loaded is None or wanted is None:
        return False
    return names.get(attribute) is wanted or any(names.get(name) is loaded for name in used)


def _writes(code: CodeType, name: str) -> bool:
    """Return whether code changes the mapping that is an attribute of that name."""
    is_key = False
    for instruction in dis.get_instructions(code):
        if instruction.argval == name:
            is_key = True
        elif is_key:
            is_item = instruction.opname in ("STORE_SUBSCR", "DELETE_SUBSCR")
            if is_item or instruction.argval in _WRITING:
                return True
            is_key = instruction.opname.startswith(_KEY)
    return False


def _assignment_in(code: CodeType, names: Mapping[str, object]) -> str:
    """Return the attribute of a module that code assigns to, empty if it does to none."""
    if _STORING not in code.co_code[::2]:  # most code assigns to no attribute at all
        return ""
    for before, step in pairwise(dis.get_instructions(code)):
        if step.opname == "STORE_ATTR" and before.opname == "LOAD_GLOBAL":
            module = names.get(before.argval)
            if isinstance(module, ModuleType):
                return f"{module.__name__}.{step.argval}"
    return ""


def uses(function: Callable[..., Any], name: str) -> bool:
    """Return whether the code of a function names anything of a package."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return any(
        package(names.get(found)) == name
        for code in codes_of(inspect.unwrap(function))
        for found in code.co_names
    )


def package(function: object) -> str:
    """Return the package that a function, or a class, is defined in."""
    return str(getattr(function, "__module__", None)).partition(".")[0]
