"""`make faults-kills` in short, with either broker: nothing is lost, double or corrupt."""

import pytest

from tests.faults import case_alerts, case_kills, case_notices
from tests.faults.cases import Options

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.mark.parametrize(("broker", "trials"), [("mosquitto", "2"), ("amqtt", "1")])
def test_random_kills_lose_and_double_nothing(broker: str, trials: str) -> None:
    settings = {"BROKER": broker, "TRIALS": trials, "PAUSE": "1", "RATE": "200"}
    options = Options(quick=True, settings=settings)
    (figures,) = case_kills.run(options)
    assert figures["problems"] == [], f"seed {options.seed}"
    assert (figures["lost"], figures["double"], figures["corrupt"]) == (0, 0, 0)


def test_killing_the_notifier_loses_no_notice_and_counts_what_it_doubles() -> None:
    options = Options(quick=True, settings={"TRIALS": "2"})
    (figures,) = case_notices.run(options)
    assert figures["problems"] == [], f"seed {options.seed}"
    assert (figures["lost"], figures["corrupt"]) == (0, 0)


def test_kills_from_the_reading_to_the_notice_lose_no_alert() -> None:
    options = Options(quick=True, settings={"TRIALS": "3"})
    (figures,) = case_alerts.run(options)
    assert figures["problems"] == [], f"seed {options.seed}"
    assert (figures["lost"], figures["corrupt"]) == (0, 0)
    assert figures["alerts"]
