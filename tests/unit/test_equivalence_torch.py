"""The relation `exact` between values of PyTorch, as a table of pairs; `tox -e torch` runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import close, compare, ulp

torch = pytest.importorskip("torch")

NAN = float("nan")
FLOATS = ("float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2")
OTHERS = ("bool", "uint8", "int8", "int16", "int32", "int64", "complex64", "complex128")


def tensor(values: Any = (1.0, 2.0), dtype: Any = None, **settings: Any) -> Any:
    return torch.tensor(values, dtype=dtype, **settings)


def marked(value: Any, **attributes: object) -> Any:
    vars(value).update(attributes)
    return value


def linear(seed: int = 0, **settings: Any) -> Any:
    torch.manual_seed(seed)
    return torch.nn.Linear(3, 2, **settings)


def network(seed: int = 0, momentum: float = 0.1, *, training: bool = True) -> Any:
    norm = torch.nn.BatchNorm1d(2, momentum=momentum)
    return torch.nn.Sequential(linear(seed), norm, torch.nn.ReLU()).train(training)


def hooked() -> Any:
    module = linear()
    module.register_forward_hook(hook)
    return module


def hook(*_: object) -> None:
    """Do nothing."""


def trained(rate: float = 0.1) -> Any:
    module = linear()
    optimizer = torch.optim.SGD(module.parameters(), lr=rate, momentum=0.9)
    module(torch.ones(3)).sum().backward()
    optimizer.step()
    return optimizer


EQUAL: dict[str, tuple[Any, Any]] = {
    **{
        name: (tensor([1.0, -0.0, NAN], getattr(torch, name)),) * 2
        for name in FLOATS
        if hasattr(torch, name)
    },
    **{name: (tensor([1, 0], getattr(torch, name)),) * 2 for name in OTHERS},
    "no dimensions": (tensor(1.5), tensor(1.5)),
    "nothing": (torch.zeros(0, 3), torch.zeros(0, 3)),
    "strides": (torch.arange(6.0).reshape(2, 3).T, torch.arange(6.0).reshape(2, 3).T.contiguous()),
    "conjugates": (tensor([1 + 2j]).conj(), tensor([1 - 2j])),
    "gradients that are wanted": (tensor(requires_grad=True), tensor(requires_grad=True)),
    "attributes": (marked(tensor(), unit="m"), marked(tensor(), unit="m")),
    "parameters": (torch.nn.Parameter(tensor()), torch.nn.Parameter(tensor())),
    "triplets": (
        torch.sparse_coo_tensor([[1, 0]], [2.0, 1.0], (2,), check_invariants=False),
        torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (2,), check_invariants=False),
    ),
    "modules": (linear(), linear()),
    "networks": (network(), network()),
    "hooks": (hooked(), hooked()),
    "optimisers": (trained(), trained()),
    "sizes": (torch.Size([1, 2]), torch.Size([1, 2])),
    "dtypes": (torch.float32, torch.float32),
    "devices": (torch.device("cpu"), torch.device("cpu")),
}

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    **{
        f"zeros of {name}": (
            tensor([0.0], getattr(torch, name)),
            tensor([-0.0], getattr(torch, name)),
            "sign-of-zero",
        )
        for name in FLOATS
        if hasattr(torch, name)
    },
    "elements": (tensor([1.0]), tensor([2.0]), "value"),
    "the last bit of bfloat16": (
        tensor([1.0], torch.bfloat16),
        tensor([1.0078125], torch.bfloat16),
        "value",
    ),
    "data types": (tensor([1.0]), tensor([1.0], torch.float64), "dtype"),
    "half floats": (tensor([1.0], torch.float16), tensor([1.0], torch.bfloat16), "dtype"),
    "shapes": (torch.zeros(2, 1), torch.zeros(2), "shape"),
    "gradients that are wanted": (tensor(requires_grad=True), tensor(), "value"),
    "tensor and parameter": (tensor(), torch.nn.Parameter(tensor(), requires_grad=False), "type"),
    "tensor and array": (tensor([1.0]), np.ones(1, "f4"), "type"),
    "attributes": (marked(tensor(), unit="m"), marked(tensor(), unit="s"), "value"),
    "layouts": (tensor([1.0]), tensor([1.0]).to_sparse(), "value"),
    "devices": (torch.zeros(2), torch.zeros(2, device="meta"), "uncomparable"),
    "triplets": (tensor([0.0, 1.0]).to_sparse(), tensor([0.0, 2.0]).to_sparse(), "value"),
    "meta": (torch.zeros(2, device="meta"), torch.zeros(2, device="meta"), "uncomparable"),
    "weights": (linear(0), linear(1), "value"),
    "biases": (linear(), linear(bias=False), "type"),
    "networks": (network(0), network(1), "value"),
    "settings of modules": (network(), network(momentum=0.2), "value"),
    "training": (network(), network(training=False), "value"),
    "hooks": (hooked(), linear(), "length"),
    "optimisers": (trained(), trained(0.2), "value"),
    "generators": (torch.Generator(), torch.Generator(), "uncomparable"),
    "sizes": (torch.Size([1, 2]), torch.Size([1, 3]), "value"),
    "dtypes": (torch.float32, torch.float64, "value"),
    "layouts as values": (torch.strided, torch.sparse_coo, "value"),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


#: Data types that PyTorch pickles but cannot load.
AT_HOME = {"float8_e4m3fn", "float8_e5m2"}


@pytest.mark.parametrize("name", sorted(EQUAL.keys() - AT_HOME))
def test_a_value_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # the layouts are in beta
@pytest.mark.parametrize("layout", ["csr", "csc", "bsr", "bsc"])
def test_compressed_layouts_are_compared(layout: str) -> None:
    def compress(corner: float) -> Any:
        size = [(1, 1)] if layout in ("bsr", "bsc") else []
        compressed = getattr(torch.tensor([[1.0, 0.0], [5.0, 2.0]]), f"to_sparse_{layout}")(*size)
        compressed.values()[-1] = corner
        return compressed

    check_equal(compress(0.0), compress(0.0))
    check_different(compress(0.0), compress(-0.0), "sign-of-zero")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_a_quantised_tensor_gets_advice() -> None:
    quantised = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8)
    (mismatch,) = compare(quantised, quantised).mismatches
    assert ".dequantize()" in mismatch.difference


def test_a_path_reads_like_code() -> None:
    left, right = network(), network()
    left[0].weight.data[1, 2] = 7.0
    (mismatch,) = compare(left, right).mismatches
    assert mismatch.path == ".0.weight[1, 2]"
    (mismatch,) = compare(network(), network(momentum=0.2)).mismatches
    assert mismatch.path == ".1.momentum"


def test_the_numbers_inside_are_open_to_a_tolerance() -> None:
    assert not compare(tensor([1.0 + 1.2e-7]), tensor([1.0]))
    assert compare(tensor([1.0 + 1.2e-7]), tensor([1.0]), ulp(1))
    near = tensor([1.0078125], torch.bfloat16), tensor([1.0], torch.bfloat16)
    assert compare(*near, close(rtol=1e-2))
