"""Executors: a pool that loses a process, and a Dask cluster that is not there."""

import os
import signal
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from citywx.compute import DaskUnreachableError, executor, run_all
from citywx.settings import Settings
from tests.support.ports import free_port


def opener(**settings: object) -> "partial[AbstractContextManager[Executor]]":
    return partial(executor, Settings(_env_file=None, **settings))


def square(number: int) -> int:
    return number * number


def die_once(mark: Path, number: int) -> int:
    """Killed, as by the kernel for want of memory, where nobody was before."""
    if number == 3:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail(number: int) -> int:
    if number == 3:
        message = "three"
        raise ValueError(message)
    return number


def test_all_items_are_worked_on_by_other_processes() -> None:
    assert sorted(run_all(opener(workers=2), square, range(6))) == [0, 1, 4, 9, 16, 25]


def test_a_killed_process_costs_no_result(tmp_path: Path) -> None:
    found = run_all(opener(workers=1), partial(die_once, tmp_path / "died"), range(8))
    assert sorted(found) == list(range(8))


def test_work_that_always_kills_its_process_ends() -> None:
    with pytest.raises(BrokenProcessPool):
        list(run_all(opener(workers=1), die, [1]))


def test_an_error_of_the_work_comes_through() -> None:
    with pytest.raises(ValueError, match="three"):
        list(run_all(opener(workers=1), fail, range(100)))


def test_without_items_nothing_is_opened() -> None:
    def never() -> AbstractContextManager[Executor]:
        raise AssertionError

    assert list(run_all(never, square, [])) == []


def test_a_scheduler_that_does_not_answer_is_told() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(DaskUnreachableError, match="does not answer"):
        list(run_all(opener(dask_scheduler=address), square, [1]))
