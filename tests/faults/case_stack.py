"""Every process of the whole pipeline killed in turn: the tests in `test_kill_in_turn.py`."""

from tests.faults.cases import Figures, Options
from tests.faults.pytest_run import run_pytest


def run(options: Options) -> list[Figures]:
    """Run them; QUICK makes no difference."""
    del options
    return [run_pytest("tests/faults/test_kill_in_turn.py", trials=12)]
