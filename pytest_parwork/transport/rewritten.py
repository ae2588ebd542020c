"""The code of modules whose assertions pytest has rewritten, as workers load it."""

from __future__ import annotations

import importlib
import marshal
import sys
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

#: Code by the name of its module, as `dump_code` makes it.
RewrittenCode = Mapping[str, bytes]

#: The module of pytest that rewritten code imports first, and calls only if an assertion fails.
NEEDED = "_pytest.assertion.rewrite"

#: The name under which workers have a stand-in for it. No statement can import such a name.
STAND_IN = "@pytest_ar"


class _Late:
    """The module of pytest that explains failed assertions, imported when it is needed.

    Importing pytest takes ten times as long as starting Python, and few modules need it otherwise.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(NEEDED), name)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Pickle it as the module itself: a function that is sent by value refers to it."""
        return importlib.import_module, (NEEDED,)


def dump_code(code: CodeType) -> bytes:
    """Serialise the code of a module; it imports the stand-in in place of pytest's module.

    Only the first statement of the module has that dotted name.
    """
    names = tuple(STAND_IN if name == NEEDED else name for name in code.co_names)
    return MAGIC_NUMBER + marshal.dumps(code.replace(co_names=names))


def load_code(data: bytes) -> CodeType | None:
    """Load the code of a module; None if another version of Python has made it."""
    if not data.startswith(MAGIC_NUMBER):
        return None
    if STAND_IN not in sys.modules:
        module = ModuleType(STAND_IN)
        # `import a.b.c as d` takes b and c from what the import of `a.b.c` returns.
        vars(module)["assertion"] = SimpleNamespace(rewrite=_Late())
        sys.modules[STAND_IN] = module
    code = marshal.loads(data[len(MAGIC_NUMBER) :])
    assert isinstance(code, CodeType)
    return code


class RewrittenFile(SourceFileLoader):
    """Load a module from its file, with the code that was made of it."""

    def __init__(self, name: str, file: str, data: bytes) -> None:
        super().__init__(name, file)
        self._data = data

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the rewritten code."""
        return load_code(self._data) or super().get_code(fullname)
