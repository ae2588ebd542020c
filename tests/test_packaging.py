"""What is released: the wheel, the public names, the documentation."""

from __future__ import annotations

import importlib.metadata
import inspect
import os
import pickle
import re
import subprocess
import sys
import traceback
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Literal, get_origin

import pytest
from make_output import PICTURE, SHOWN, sessions, shape, text_of

import pytest_parwork
from pytest_parwork import backends
from pytest_parwork.backends import bundled
from pytest_parwork.plugin.config import options
from pytest_parwork.transport.failures import describe

ROOT = Path(__file__).parents[1]
PACKAGE = Path(pytest_parwork.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

#: The README and the pages of the documentation, by file.
PAGES = {
    page: page.read_text(encoding="utf-8")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}

#: Where public names are imported from.
ADDRESSES = [pytest_parwork, backends]

#: Seconds for a process of its own; less than the deadline of a test.
DEADLINE = 50.0


def run(*command: str, cwd: Path) -> str:
    """Run a command that must not hang, and return what it wrote."""
    environment = {name: os.environ[name] for name in os.environ if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**environment, "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
    )
    return done.stdout


def test_the_wheel_holds_the_package_its_types_and_the_entry_point(tmp_path: Path) -> None:
    told = run("-m", "hatchling", "build", "--target", "wheel", "-d", str(tmp_path), cwd=ROOT)

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        info = f"pytest_parwork-{pytest_parwork.__version__}.dist-info"
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
    source = {file.relative_to(ROOT).as_posix() for file in (ROOT / "pytest_parwork").rglob("*.py")}
    assert files >= source | {"pytest_parwork/py.typed", f"{info}/licenses/LICENSE"}, told
    assert {file.partition("/")[0] for file in files} == {"pytest_parwork", info}
    assert "[pytest11]\nparwork = pytest_parwork.plugin\n" in f"{entry_points}\n"


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    (found,) = importlib.metadata.entry_points(group="pytest11", name="parwork")
    assert found.value == "pytest_parwork.plugin"


def test_the_version_stands_in_one_place() -> None:
    version = pytest_parwork.__version__
    assert importlib.metadata.version("pytest-parwork") == version
    files = [ROOT / "pyproject.toml", *PACKAGE.rglob("*.py")]
    naming = [file for file in files if f'"{version}"' in file.read_text(encoding="utf-8")]
    assert naming == [PACKAGE / "model" / "version.py"]


@pytest.mark.parametrize("module", ADDRESSES, ids=lambda module: module.__name__)
def test_public_names_are_sorted(module: ModuleType) -> None:
    def place(name: str) -> tuple[bool, bool, str]:  # constants, classes, functions
        return not name.isupper(), name.islower(), name

    assert module.__all__ == sorted(module.__all__, key=place)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in ADDRESSES for name in module.__all__]
)
def test_a_public_name_can_be_had_and_says_what_it_is(module: ModuleType, name: str) -> None:
    assert name in dir(module)
    value = getattr(module, name)
    assert value.__doc__ or get_origin(value) is Literal


@pytest.mark.parametrize("module", ADDRESSES, ids=lambda module: module.__name__)
def test_a_public_name_shows_the_address_that_it_is_imported_from(module: ModuleType) -> None:
    named = {name: getattr(module, name) for name in module.__all__}
    shown = {
        name: (value.__module__, value.__qualname__)
        for name, value in named.items()
        if inspect.isclass(value) or inspect.isfunction(value)
    }
    assert shown == {name: (module.__name__, name) for name in shown}
    assert shown


@pytest.mark.parametrize("module", ADDRESSES, ids=lambda module: module.__name__)
def test_public_names_are_unpickled_where_nothing_is_imported(
    module: ModuleType, tmp_path: Path
) -> None:
    named = [getattr(module, name) for name in module.__all__]
    file = tmp_path / "names"
    file.write_bytes(pickle.dumps(named))
    code = f"import pickle; print(len(pickle.load(open({str(file)!r}, 'rb'))))"
    assert run("-c", code, cwd=tmp_path) == f"{len(named)}\n"


def test_an_error_reads_as_it_is_imported() -> None:
    error = pytest_parwork.MismatchError("1 is not 2")
    assert traceback.format_exception_only(error) == ["pytest_parwork.MismatchError: 1 is not 2\n"]
    assert describe(error).type == "MismatchError"
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_a_name_that_is_not_there_is_told_as_usual() -> None:
    with pytest.raises(AttributeError, match="'pytest_parwork' has no attribute 'fan_out'"):
        _ = pytest_parwork.fan_out


def test_the_package_alone_loads_none_of_its_modules(tmp_path: Path) -> None:
    code = (
        "import sys, pytest_parwork; dir(pytest_parwork);"
        "print([name for name in sys.modules if name.startswith('pytest_parwork.')])"
    )
    assert run("-c", code, cwd=tmp_path) == "[]\n"


SESSIONS = sessions()

#: Sessions that show what others show, too, and take some seconds.
RARE = {"test_draw.py", "test_fib.py", "test_mean.py", "test_pi.py"}


def test_there_are_sessions_in_the_documentation() -> None:
    assert {
        "test_fib.py",
        "test_mean.py",
        "test_sums.py",
        "test_draw.py",
        "shop",
    } <= SESSIONS.keys()
    assert len(README.splitlines()) < 200


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.sweep] * (name in RARE)) for name in SESSIONS]
)
def test_a_session_in_the_documentation_is_as_it_is(name: str) -> None:
    printed = SESSIONS[name].run()
    assert shape(printed) == shape(SESSIONS[name].output), (
        f"run `python docs/make_output.py {name}`, and look at what has changed\n{printed}"
    )


def test_the_picture_shows_a_session_of_the_documentation() -> None:
    shown = SESSIONS[SHOWN]
    command, _, output = text_of(PICTURE.read_text(encoding="utf-8")).partition("\n")
    assert command == f"$ pytest {' '.join(shown.arguments)}"
    assert shape(output)[:-1] == shape(shown.output)[:-1]
    assert "GLOBAL_RNG (random), confirmed" in output
    assert "http" not in re.sub(r'xmlns="[^"]*"|<!--.*?-->', "", PICTURE.read_text("utf-8"))


def test_the_calls_in_the_readme_pass(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(# test_primes\.py\n.*?)```", README, re.DOTALL)
    (tmp_path / "test_primes.py").write_text(code, encoding="utf-8")
    assert "1 passed" in run("-m", "pytest", "-p", "no:randomly", cwd=tmp_path)


def test_the_documentation_names_every_backend_keyword_option_and_example() -> None:
    suffixes = {f":{suffix}" for name in bundled() for suffix in name.split(":")[1:]}
    names = [name for name in bundled() if ":" not in name]
    examples = [file.name for file in (ROOT / "examples").glob("test_*.py")]
    written = "\n".join(PAGES.values())
    for text in [*names, *suffixes, *options.KEYWORDS, *examples]:
        assert text in written
    shown = run("-m", "pytest", "--help", cwd=ROOT)
    assert set(re.findall(r"--parwork-[\w-]+", shown)) == set(
        re.findall(r"--parwork-[\w-]+", written)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", PAGES[page]):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if heading and file in PAGES:
            assert heading in anchors(PAGES[file]), f"{target}#{heading}"


def anchors(text: str) -> set[str]:
    """Return the names of the headings of a page, as GitHub and MyST make them."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.stem for page in PAGES if page.parent.name == "docs"} - {"index"}
    assert {name for name in pages if f"\n{name}\n" in index} == pages
