"""The other fault cases in short: what is down, hangs or is full comes back, and nothing is lost.

How long that takes and how large processes get is measured by `make faults`, not here.
"""

import pytest

from tests.faults import (
    case_broker_down,
    case_database_down,
    case_stopped,
)
from tests.faults.cases import Options
from tests.faults.rig import Plan, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def quick(**settings: str) -> Options:
    return Options(quick=True, settings={"RATE": "200", **settings})


def test_nothing_is_lost_while_a_process_is_down_or_hangs() -> None:
    options = quick(DOWN_SECONDS="3", STOPPED_SECONDS="2")
    with running(Plan.of(options)) as rig:
        for case in (case_broker_down, case_database_down, case_stopped):
            case.disturb(rig, options)
        assert rig.finish().clean
        assert rig.problems == []
