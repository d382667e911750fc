"""The table `[anomaly]` of `alerts.toml`: whether the score raises alerts, and how they live."""

from dataclasses import dataclass
from typing import Final

from citywx.weather.alerting.policy import LIFE_KEYS, Kind, Policy, Severity, read_policy
from citywx.weather.alerting.table_reader import TableReader

_KEYS: Final = frozenset({"enabled", "false_alarms_per_month"}) | LIFE_KEYS
_MOST_FALSE_ALARMS: Final = 30.0
_DEFAULTS: Final = {"id": "anomaly", "severity": Severity.INFO.value, "message": "Unusual readings"}


@dataclass(frozen=True, slots=True)
class AnomalyOptions:
    """What the table says."""

    policy: Policy
    false_alarms_per_month: float = 1.0
    """A city, in weather without faults: the score above which an alarm begins follows from it."""


def read_anomaly(reader: TableReader) -> AnomalyOptions | None:
    """The options of a table; None where it is not enabled. RuleError names a wrong key."""
    reader.only(_KEYS, "[anomaly]")
    given = TableReader(_DEFAULTS | dict(reader.table), reader.name, reader.lines)
    rate = given.positive("false_alarms_per_month", default=1.0)
    if rate > _MOST_FALSE_ALARMS:
        given.fail("false_alarms_per_month", f"must be at most {_MOST_FALSE_ALARMS:g}")
    options = AnomalyOptions(read_policy(given, Kind.ANOMALY), rate)
    return options if given.flag("enabled", default=True) else None
