"""Which files of a project are sent to workers without access to them, and which are not."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_parwork.model.outcome import Failure, Outcome
from pytest_parwork.transport.modules import lend, project_modules
from pytest_parwork.transport.sources import Selection, Sendable, note_missing, select

Sending = Callable[..., Selection]


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    """Provide a function that writes files, imports some modules, and selects files to send."""
    before, path = set(sys.modules), list(sys.path)
    root = tmp_path / "project"
    root.mkdir()
    sys.path.insert(0, str(root))

    def send(files: dict[str, str], *imported: str, no_send: tuple[str, ...] = ()) -> Selection:
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        for name in imported:
            importlib.import_module(name)
        return select(project_modules(root), Sendable(root=root, no_send=no_send))

    yield send
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_files_next_to_a_module_are_not_sent(sending: Sending) -> None:
    selection = sending(
        {
            "sent_a.py": "",
            "local_secrets.py": "",
            "sent_pack/__init__.py": "",
            "sent_pack/settings_prod.py": "",
            "sent_pack/part.py": "",
            "test_other.py": "",
        },
        "sent_a",
        "sent_pack.part",
    )
    assert selection.sent == ("sent_a.py", "sent_pack/__init__.py", "sent_pack/part.py")
    assert len(selection.sources.files) == 3
    assert not {"local_secrets", "sent_pack.settings_prod"} & selection.modules.keys()


@pytest.mark.parametrize(
    "statement",
    [
        "import sent_pack.later",
        "import sent_pack.later as other, os",
        "from sent_pack import later",
        "from sent_pack.later import f",
        "from sent_pack.later import *",
        "from . import later",
        "from .later import f",
        "import importlib; importlib.import_module('sent_pack.later')",
        "from importlib import import_module; import_module('.later', __package__)",
        "__import__('sent_pack.later')",
        "import pytest; pytest.importorskip('sent_pack.later')",
    ],
)
@pytest.mark.parametrize(
    "inside",
    [
        "def f():\n    ",
        "class C:\n  async def f():\n    ",
        "def f():\n  try:\n    pass\n  except OSError:\n    ",
        "def f():\n  for _ in ():\n    pass\n  else:\n    ",
        "def f(x):\n match x:\n  case 1:\n    ",
    ],
)
def test_imported_modules_are_sent_wherever_the_statement_is(
    sending: Sending, statement: str, inside: str
) -> None:
    if statement.endswith("*"):
        inside = "if 'never' in __name__:\n    "  # the only place for it
    selection = sending(
        {
            "sent_pack/__init__.py": "",
            "sent_pack/main.py": f"{inside}{statement}\n",
            "sent_pack/later.py": "",
            "sent_pack/unnamed.py": "",
        },
        "sent_pack.main",
    )
    assert selection.sent == ("sent_pack/__init__.py", "sent_pack/later.py", "sent_pack/main.py")


def test_imports_are_followed_from_one_module_to_the_next(sending: Sending) -> None:
    selection = sending(
        {
            "sent_first.py": "def f():\n    import sent_pack.deep.second\n",
            "sent_pack/__init__.py": "def f():\n    import sent_by_package\n",
            "sent_pack/deep/second.py": "from .. import third\n",
            "sent_pack/third.py": "import sent_first\n",
            "sent_by_package.py": "",
        },
        "sent_first",
    )
    assert selection.sent == (
        "sent_by_package.py",
        "sent_first.py",
        "sent_pack/__init__.py",
        "sent_pack/deep/second.py",
        "sent_pack/third.py",
    )
    take_away = lend(selection.modules, [], selection.sources)
    assert importlib.import_module("sent_pack.deep").__file__ is None
    take_away()


def test_imports_for_annotations_only_are_not_sent(sending: Sending) -> None:
    main = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import sent_types\nelse:\n    def f():\n        import sent_else\n"
    )
    selection = sending(
        {"sent_main.py": main, "sent_types.py": "", "sent_else.py": ""}, "sent_main"
    )
    assert selection.sent == ("sent_else.py", "sent_main.py")


def test_modules_outside_of_the_project_are_not_sent(
    sending: Sending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "outside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "of_another_folder.py").write_text("")
    main = (
        "def f():\n    import of_another_folder, json.tool, no_such_module, numpy, pytest_parwork\n"
    )
    assert sending({"sent_main.py": main}, "sent_main").sent == ("sent_main.py",)


def test_a_link_that_leads_out_of_the_project_is_not_followed(
    sending: Sending, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    for name in ("sent_link", "module"):
        (tmp_path / "outside" / f"{name}.py").write_text("")
    root = tmp_path / "project"
    (root / "sent_folder").symlink_to(tmp_path / "outside")
    (root / "sent_link.py").symlink_to(tmp_path / "outside" / "sent_link.py")
    (root / "sent_inside.py").symlink_to(root / "real.py")
    selection = sending(
        {
            "real.py": "VALUE = 1\n",
            "sent_main.py": "import sent_link, sent_inside\n"
            "def f():\n    import sent_folder.module\n",
        },
        "sent_main",
    )
    assert selection.sent == ("sent_inside.py", "sent_main.py")
    assert selection.withheld == ("sent_folder/module.py", "sent_link.py")
    for name in list(sys.modules):
        if name.startswith("sent_"):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if "project" not in entry]
    take_away = lend(selection.modules, [], selection.sources)
    with pytest.raises(
        ModuleNotFoundError, match="its path leads through a link out of the project"
    ):
        importlib.import_module("sent_link")
    take_away()


@pytest.mark.parametrize(
    "pattern",
    [
        "sent_pack/inner/secret.py",
        "./sent_pack/inner/secret.py",
        "*secret*",
        "sent_pack/*/s*.py",
        "secret.py",
        "inner",
        "inner/",
        "sent_pack/inner",
        "sent_pack/inn*/",
    ],
)
def test_a_pattern_excludes_files(sending: Sending, pattern: str) -> None:
    selection = sending(
        {
            "sent_main.py": "def f():\n    import sent_pack.inner.secret\n",
            "sent_pack/__init__.py": "",
            "sent_pack/inner/secret.py": "import sent_only_by_secret\n",
            "sent_only_by_secret.py": "",
        },
        "sent_main",
        no_send=("no_such", pattern),
    )
    assert selection.sent == ("sent_main.py", "sent_pack/__init__.py")
    assert selection.withheld == ("sent_pack/inner/secret.py",)
    assert "sent_pack.inner.secret" not in selection.modules


def test_a_module_that_is_imported_here_can_be_excluded(sending: Sending) -> None:
    selection = sending(
        {"sent_main.py": "", "sent_secret.py": ""},
        "sent_main",
        "sent_secret",
        no_send=("*secret*",),
    )
    assert selection.sent == ("sent_main.py",)


def test_importing_an_excluded_module_names_the_pattern(sending: Sending) -> None:
    selection = sending(
        {"sent_main.py": "", "sent_secret.py": ""}, "sent_secret", no_send=("*t.py",)
    )
    del sys.modules["sent_secret"]
    sys.path[:] = [entry for entry in sys.path if "project" not in entry]
    take_away = lend(selection.modules, [], selection.sources)
    text = (
        r"No module named 'sent_secret': sent_secret.py was not sent, because of "
        r"--parwork-no-send=\*t.py; install it on the workers, or narrow the pattern"
    )
    with pytest.raises(ModuleNotFoundError, match=text) as raised:
        importlib.import_module("sent_secret")
    assert raised.value.name == "sent_secret"
    take_away()
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'sent_secret'$"):
        importlib.import_module("sent_secret")


def test_an_excluded_module_that_the_worker_has_itself_is_imported(
    sending: Sending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = sending({"sent_secret.py": ""}, "sent_secret", no_send=("sent_secret.py",))
    del sys.modules["sent_secret"]
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "sent_secret.py").write_text("VALUE = 'of the worker'\n")
    monkeypatch.syspath_prepend(tmp_path / "worker")
    take_away = lend(selection.modules, [], selection.sources)
    assert importlib.import_module("sent_secret").VALUE == "of the worker"
    take_away()


def test_a_source_that_cannot_be_parsed_is_sent_without_its_imports(
    sending: Sending,
) -> None:
    selection = sending({"sent_main.py": "X = 1\n"}, "sent_main")
    file, _ = selection.modules["sent_main"]
    assert file is not None
    Path(file).write_bytes(b"import sent_other\nprint 'old'\0\n")
    assert sending({}).sent == ("sent_main.py",)


def test_without_a_root_only_imported_modules_are_sent(sending: Sending, tmp_path: Path) -> None:
    files = {"sent_main.py": "def f():\n    import sent_later\n", "sent_later.py": ""}
    sending(files, "sent_main")
    selection = select(project_modules(tmp_path), Sendable())
    assert selection.sent == (str(tmp_path / "project" / "sent_main.py"),)


def test_a_note_gives_the_remedy_for_a_module_that_no_import_names() -> None:
    missing = Failure(type="ModuleNotFoundError", text="No module named 'later'")
    argument = Failure(
        type="PayloadError", text="argument 1 cannot be loaded: ModuleNotFoundError: No module"
    )
    withheld = Failure(
        type="ModuleNotFoundError", text="No module named 'x': x.py was not sent, because of y"
    )
    for failure, sent, is_noted in (
        (missing, ("test_it.py",), True),
        (argument, ("test_it.py",), True),
        (withheld, ("test_it.py",), False),
        (missing, (), False),
        (Failure(type="ValueError", text="3"), ("test_it.py",), False),
    ):
        note = note_missing(Outcome(kind="failure", failure=failure), sent)
        assert (note is not None) is is_noted
    assert note_missing(Outcome(kind="value"), ("test_it.py",)) is None
