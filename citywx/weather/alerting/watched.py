"""A definition with a detector of its own: what patterns, anomalies and quality have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from citywx.weather.alerting.events import Subject
from citywx.weather.alerting.finding import Detector
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.policy import Policy


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched for, and how its alerts live."""

    policy: Policy
    subject: Subject
    detector: Callable[[Feed], Detector]
    """Makes a new one, without a memory, on what it shares with others."""
