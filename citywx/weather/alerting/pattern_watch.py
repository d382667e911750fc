"""One pattern with its alerts in all cities: findings of its detector, moved on as lives."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import partial

from citywx.weather.alerting.events import AlertEvent, advance
from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.life import Life
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.watched import Watched
from citywx.weather.reading import Reading

Zones = Callable[[str], tzinfo]


class PatternWatch:
    """One pattern with its alerts."""

    def __init__(self, watched: Watched, feed: Feed) -> None:
        self.policy = watched.policy
        self.subject = watched.subject
        self._begin = partial(watched.detector, feed)
        self.detector = self._begin()
        self.lives: dict[str, Life] = {}

    def take(
        self,
        findings: Sequence[Finding],
        reading: Reading,
        zones: Zones,
        suspect: Collection[str],
    ) -> list[AlertEvent]:
        """Move the alerts on by what the detector says of a reading."""
        city = reading.city
        if all(finding.city != city for finding in findings) and city in self.lives:
            findings = (*findings, Finding(city, reading.timestamp, 0))
        events = []
        for finding in findings:
            event = self._find(finding, zones, doubtful=bool(suspect))
            if event is not None:
                events.append(event)
        return events

    def _find(self, finding: Finding, zones: Zones, *, doubtful: bool) -> AlertEvent | None:
        level = finding.level
        if level and not self.policy.active_at(finding.observed_at, zones(finding.city)):
            finding = replace(finding, level=0)
        before = self.lives.get(finding.city)
        life, event = advance(self.policy, self.subject, before, finding, suspect=doubtful)
        if life is not None:
            self.lives[finding.city] = life
        elif before is not None:
            del self.lives[finding.city]
        return event

    def restore(self, state: object) -> bool:
        """Give the detector its memory, if there is one; False where that is not of its kind."""
        if state is None:
            return True
        try:
            self.detector.restore(state)
        except ValueError:
            self.detector = self._begin()
            return False
        return True

    def resume(self, lives: Mapping[tuple[str, str], Life]) -> set[tuple[str, str]]:
        """Take up the alerts that are ours; which they were."""
        rule_id = self.policy.rule_id
        self.lives = {
            city: life
            for (owner, city), life in lives.items()
            if owner == rule_id and self.policy.watches(city)
        }
        return {(rule_id, city) for city in self.lives}
