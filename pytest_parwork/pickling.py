"""How values are serialised, and what is said of those that cannot be."""

from __future__ import annotations

import functools
import pickle
from types import CellType, FunctionType, MethodType

__all__ = ["ATOMS", "dumps", "explain"]

#: Buffers below this many bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Types whose values cannot change, and are made of nothing that can.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})


def dumps(value: object, buffers: list[pickle.PickleBuffer] | None = None) -> bytes:
    """Serialise by reference where possible, else by value through cloudpickle.

    Large contiguous buffers go to `buffers`, where given. Raises what pickling raised, whatever
    class that is.
    """
    if type(value) in ATOMS:
        return pickle.dumps(value, protocol=5)

    def keep(buffer: pickle.PickleBuffer) -> bool:
        assert buffers is not None
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        buffers.append(buffer)
        return False

    callback = None if buffers is None else keep
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=callback)
    except Exception:
        pass
    else:
        if b"__main__" not in data:  # which is another module in a worker
            return data
    import cloudpickle  # here, because most runs never need it

    if buffers is not None:
        buffers.clear()
    return bytes(cloudpickle.dumps(value, protocol=5, buffer_callback=callback))


def explain(value: object, error: BaseException) -> str:
    """Say which part of `value` cannot be pickled, and why: `.model.lock: cannot pickle …`."""
    path, seen = "", {id(value)}
    found = True
    while found:
        found = False
        try:
            parts = _parts(value)
        except Exception:  # whoever cannot be asked is the last that can be named
            break
        for step, part in parts:
            if id(part) in seen:
                continue
            seen.add(id(part))
            try:
                dumps(part)
            except BaseException as inner:  # what a task gave may raise anything, SystemExit too
                value, error, found = part, inner, True
                path += step
                break
    text = str(error).partition("\n")[0][:200] or type(error).__name__
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{path or 'it'} is a {kind}: {text}"


def _parts(value: object) -> list[tuple[str, object]]:
    """Return the parts of `value` with the code that leads to each."""
    if isinstance(value, dict):
        return [(f"[{key!r:.60}]", part) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{number}]", part) for number, part in enumerate(value)]
    if isinstance(value, functools.partial):
        return [(".func", value.func), (".args", value.args), (".keywords", value.keywords)]
    if isinstance(value, MethodType):
        return [(".__self__", value.__self__)]
    if isinstance(value, FunctionType):
        code = value.__code__
        cells = zip(code.co_freevars, value.__closure__ or (), strict=True)
        used = [(key, cell.cell_contents) for key, cell in cells if cell != CellType()]
        used += [(key, value.__globals__[key]) for key in code.co_names if key in value.__globals__]
        return [(f".<{key}>", part) for key, part in used]
    slots = [key for cls in type(value).__mro__ for key in getattr(cls, "__slots__", ())]
    missing = object()
    named = [(key, getattr(value, key, missing)) for key in slots if isinstance(key, str)]
    named += getattr(value, "__dict__", {}).items()
    return [(f".{key}", part) for key, part in named if part is not missing]
