"""The comparers of PyTorch's tensors, modules and optimisers.

For tensors, class, data type, device, layout, `requires_grad`, shape and bits count. Strides do
not, nor do `grad` and its graph, which pickling drops.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from ..objects import reject
from ..pairs import (
    ATTRIBUTE,
    Comparer,
    Finding,
    Pair,
    Relation,
    Unequal,
    compare_parts,
    pair_attributes,
    read_attributes,
)
from ..scalars import compare_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The parts of a tensor by its layout, each a strided tensor.
_PARTS = {
    torch.sparse_coo: ("indices", "values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}
#: The dicts in which a module keeps its parts by name.
_REGISTERS = ("_parameters", "_buffers", "_modules")


def find(cls: type) -> Comparer | None:
    """Return the comparer of one of PyTorch's classes, None for other classes."""
    if issubclass(cls, torch.Tensor):
        return _compare_tensors
    if issubclass(cls, torch.jit.ScriptModule):
        return reject("a compiled module cannot be compared; return its state_dict()")
    if issubclass(cls, torch.nn.Module):
        return partial(compare_parts, _read_module)
    if issubclass(cls, torch.optim.Optimizer):
        return _compare_optimizers
    if issubclass(cls, torch.Generator):
        return reject("a generator of torch cannot be compared; return its get_state()")
    if issubclass(cls, torch.dtype | torch.layout | torch.memory_format):
        return partial(compare_keys, str)
    return None


def _compare_tensors(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the properties of a tensor, then its elements, then its attributes."""
    for name, kind in (("dtype", "dtype"), ("shape", "shape"), ("layout", "value")):
        left, right = getattr(actual, name), getattr(expected, name)
        if left != right:
            left, right = (tuple(s) if name == "shape" else s for s in (left, right))
            yield Unequal(kind, actual, expected, f"{name} {left}, expected {right}")
            return
    yield Pair(actual.device, expected.device, ATTRIBUTE, "device")
    yield Pair(actual.requires_grad, expected.requires_grad, ATTRIBUTE, "requires_grad")
    names, others = (getattr(side, "names", None) for side in (actual, expected))
    yield Pair(names, others, ATTRIBUTE, "names")  # removed in PyTorch 2.14
    yield from pair_attributes(vars(actual), vars(expected))
    advice = _describe_unreadable(actual) or _describe_unreadable(expected)
    if advice:
        yield Unequal("uncomparable", actual, expected, advice)
    elif actual.layout in _PARTS:
        sides = [side.detach() for side in (actual, expected)]
        if actual.layout is torch.sparse_coo:
            sides = [side.coalesce() for side in sides]
        for name in _PARTS[actual.layout]:
            left, right = (getattr(side, name)() for side in sides)
            yield Pair(left, right, ATTRIBUTE, f"{name}()")
    else:
        yield Pair(_read_elements(actual), _read_elements(expected))


def _describe_unreadable(tensor: Any) -> str:
    """Describe why a tensor's elements cannot be read, and the remedy; empty if they can."""
    if tensor.is_quantized:
        return "a quantised tensor cannot be compared; return its .dequantize()"
    if tensor.is_nested:
        return "a nested tensor cannot be compared; return its .unbind()"
    if tensor.is_meta:
        return "a tensor on the device meta has no elements"
    if tensor.layout not in _PARTS and tensor.layout is not torch.strided:
        return f"a tensor of layout {tensor.layout} cannot be compared; return its .to_dense()"
    return ""


def _read_elements(tensor: Any) -> Any:
    """Return the elements as an array, without a copy if NumPy has the type.

    Short floats that NumPy does not have (bfloat16, float8) are widened to 32 bits, which preserves
    their differences; ulps are then counted on the 32-bit number line.
    """
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    if plain.dtype is torch.complex32:
        plain = plain.to(torch.complex64)
    elif plain.is_floating_point() and plain.dtype not in _HELD:
        plain = plain.float()
    return plain.numpy()


_HELD = (torch.float16, torch.float32, torch.float64)


def _read_module(module: Any) -> dict[str, object]:
    """Read parameters, buffers and submodules under their names, and all other attributes.

    Hooks are numbered in the order in which a process creates them: only their order counts.
    """
    found: dict[str, object] = {}
    attributes: dict[str, Any] = read_attributes(module)
    for name, part in attributes.items():
        if name in _REGISTERS:
            found |= part
        elif name.endswith("hooks") or "_hooks_" in name:
            found[name] = list(part.values())
        else:
            found[name] = part
    return found


def _compare_optimizers(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the state, which refers to parameters by number, and the parameters."""
    yield Pair(actual.state_dict(), expected.state_dict(), ATTRIBUTE, "state_dict()")
    left, right = ([group["params"] for group in s.param_groups] for s in (actual, expected))
    yield Pair(left, right, ATTRIBUTE, "param_groups")
