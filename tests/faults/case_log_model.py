"""Random sequences of what happens to a log's files, against a model: `test_log_model.py`."""

import os

from tests.faults.cases import Figures, Options
from tests.faults.pytest_run import run_pytest

SEQUENCES, QUICK_SEQUENCES = 10_000, 300


def run(options: Options) -> list[Figures]:
    """Run the state machine for so many sequences."""
    count = options.number("SEQUENCES", SEQUENCES, QUICK_SEQUENCES)
    environment = {**os.environ, "LOG_MODEL_SEQUENCES": str(count)}
    seed = f"--hypothesis-seed={options.seed}"
    return [run_pytest("tests/unit/test_log_model.py", seed, trials=count, environment=environment)]
