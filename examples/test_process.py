"""Processes: one for each task, and code under test that starts its own and is isolated in one."""

from multiprocessing import Pipe, Process, Queue

import pytest

BACKENDS = ["isolated:fork", "isolated:spawn"]
NUMBERS = [2**59 - 1, 2**61 - 1, 2**67 - 1]


def smallest_factor(n: int) -> int:
    """Return the smallest factor below a million, else the number itself."""
    return next((divisor for divisor in range(2, 1_000_000) if not n % divisor), n)


def put_smallest_factor(n: int, results: "Queue[tuple[int, int]]") -> None:
    results.put((n, smallest_factor(n)))


class Factoring(Process):
    """A process that sends back one factor."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.receiver, self.sender = Pipe(duplex=False)

    def run(self) -> None:
        self.sender.send(smallest_factor(self.n))


@pytest.mark.parwork(backend=BACKENDS, workers=2)
@pytest.mark.parametrize("n", NUMBERS)
def test_isolated(n: int) -> int:
    """One process for each case: no case finds what another one left behind."""
    return smallest_factor(n)


@pytest.mark.parwork(backend=BACKENDS, workers=2)
@pytest.mark.parametrize("numbers", [NUMBERS[:2], NUMBERS[1:]])
def test_process(numbers: list[int]) -> dict[int, int]:
    """The class itself, with a target: two at the same time, whose results come as they finish."""
    results: Queue[tuple[int, int]] = Queue()
    processes = [Process(target=put_smallest_factor, args=(n, results)) for n in numbers]
    for process in processes:
        process.start()
    found = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    return {n: found[n] for n in numbers}


@pytest.mark.parwork(backend=BACKENDS, workers=2)
@pytest.mark.parametrize("n", NUMBERS)
def test_subclass(n: int) -> tuple[int, int | None]:
    """A subclass with `run`."""
    process = Factoring(n)
    process.start()
    factor = process.receiver.recv()
    process.join()
    return factor, process.exitcode
