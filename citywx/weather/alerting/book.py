"""All rules and patterns in all cities, moved on by readings and by ticks of the clock.

No clock of its own: the same readings and ticks in the same order give the same events. Readings
of an archive are never judged. How a condition holds belongs in `watches` and `patterns`, how an
alert lives in `life`; here they are put together, and their memory is kept.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import NamedTuple

from citywx.weather.alerting.definitions import Definitions
from citywx.weather.alerting.desk import Desk
from citywx.weather.alerting.events import AlertEvent, advance
from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.life import Life
from citywx.weather.alerting.memory import CityMemory, Memory, PolicyMemory
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.places import Places
from citywx.weather.alerting.watched import Watched
from citywx.weather.alerting.watches import NOTHING_SUSPECT, MetricWatch, RuleWatch, watches_of
from citywx.weather.reading import ARCHIVE_SOURCE, Reading

Zones = Callable[[str], tzinfo]


def utc(_city: str) -> tzinfo:
    """The zone of a city whose own is not known."""
    return UTC


class AlertBook:
    """Where every rule and pattern stands in every city."""

    def __init__(
        self,
        definitions: Definitions,
        *,
        sources: Sequence[str] = (),
        zones: Zones = utc,
        places: Places | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`sources`: the best first; `memory`: as `memory` gave it, of these or of other rules."""
        self.definitions = definitions
        ranks = {source: rank for rank, source in enumerate(sources)}
        times = sorted({policy.lateness for policy in definitions.policies}) or [timedelta()]
        self._benches = [_Bench(definitions, lateness, ranks, zones, places) for lateness in times]
        self.orphans: list[AlertEvent] = []
        """Ends of alerts whose rule is gone, or no longer watches their city."""
        self.begun_anew: list[str] = []
        """Patterns that are not what they were, and go on without a memory."""
        if memory is not None:
            self._resume(memory)

    @property
    def late(self) -> int:
        """Readings that came too late to be judged, or from a source that had to stand back."""
        return sum(desk.late for bench in self._benches for desk in bench.desks.values())

    def judge(self, reading: Reading) -> list[AlertEvent]:
        """What the reading sets off."""
        if reading.source == ARCHIVE_SOURCE:
            return []
        events: list[AlertEvent] = []
        for bench in self._benches:
            for ready in bench.desk(reading.city).accept(reading):
                events += bench.judge(ready)
        return events

    def tick(self, now: datetime) -> list[AlertEvent] | None:
        """What the passing of time alone sets off; None where it changes nothing at all."""
        told = [bench.tick(now) for bench in self._benches]
        if all(events is None for events in told):
            return None
        return [event for events in told for event in events or ()]

    def memory(self) -> Memory:
        """All that must be known to go on from here."""
        memory = Memory()
        for bench in self._benches:
            bench.remember(memory)
        return memory

    def _resume(self, memory: Memory) -> None:
        taken: set[tuple[str, str]] = set()
        for bench in self._benches:
            taken |= bench.resume(memory, self.begun_anew)
        for (rule_id, city), life in memory.lives.items():
            if (rule_id, city) not in taken and rule_id in memory.policies:
                self.orphans.append(_orphan(memory.policies[rule_id], city, life))


class _Bench:
    """The rules and patterns that allow the same lateness."""

    def __init__(
        self,
        definitions: Definitions,
        lateness: timedelta,
        ranks: Mapping[str, int],
        zones: Zones,
        places: Places | None,
    ) -> None:
        self.lateness = lateness
        self.desks: dict[str, Desk] = {}
        self._ranks = ranks
        self._zones = zones
        self._rules = [r for r in definitions.rules if r.policy.lateness == lateness]
        self._rooms: dict[str, _Room] = {}
        feed = Feed(places)
        self._patterns = [
            _PatternWatch(p, feed) for p in definitions.patterns if p.policy.lateness == lateness
        ]
        silences = [r.silent_for for r in self._rules if r.silent_for is not None]
        self._shortest_silence = min(silences, default=None)
        self._silence_from: datetime | None = None

    def desk(self, city: str) -> Desk:
        desk = self.desks.get(city)
        if desk is None:
            desk = self.desks[city] = Desk(self._ranks, self.lateness)
        return desk

    def _room(self, city: str) -> "_Room":
        room = self._rooms.get(city)
        if room is None:
            watching = [p for p in self._patterns if p.policy.watches(city)]
            room = _Room(watches_of(self._rules, city), watching, self._zones(city))
            self._rooms[city] = room
        return room

    def judge(
        self, reading: Reading, suspect: Collection[str] = NOTHING_SUSPECT
    ) -> list[AlertEvent]:
        """What a reading sets off whose turn it is."""
        city = reading.city
        room = self._rooms.get(city) or self._room(city)
        events: list[AlertEvent] = []
        for watch in room.watches:
            if told := watch.observe(reading, room.zone, suspect):
                events += told
        for pattern in room.patterns:
            findings = pattern.detector.observe(reading)
            if findings or (pattern.lives and city in pattern.lives):
                events += pattern.take(findings, reading, self._zones, suspect)
        return events

    def tick(self, now: datetime) -> list[AlertEvent] | None:
        ready = self._release(now - self.lateness) if self.lateness else []
        events = [event for reading in ready for event in self.judge(reading)]
        if self._shortest_silence is not None:
            events += self._miss(now, self._shortest_silence)
        return events if ready or events else None

    def _release(self, through: datetime) -> list[Reading]:
        return [reading for desk in self.desks.values() for reading in desk.release(through)]

    def _miss(self, now: datetime, shortest: timedelta) -> list[AlertEvent]:
        """What silence sets off; looks only when it can be due, at any city that spoke or will."""
        if self._silence_from is not None and now < self._silence_from:
            return []
        events, dues = [], [now + shortest]
        for city, room in self._rooms.items():
            for watch in room.watches:
                if watch.listens:
                    events += watch.miss(city, now)
                    dues += [due for due in watch.dues() if due > now]
        self._silence_from = min(dues)
        return events

    def remember(self, memory: Memory) -> None:
        for city, desk in self.desks.items():
            watches = self._room(city).watches
            memory.cities[self.lateness, city] = CityMemory.of(desk, watches)
            for watch in watches:
                for one in watch.rules:
                    if one.life is not None:
                        memory.lives[one.rule.rule_id, city] = one.life
                        memory.keep_policy(one.rule.policy, one.subject)
        for pattern in self._patterns:
            memory.detectors[pattern.policy.rule_id] = pattern.detector.dump()
            for city, life in pattern.lives.items():
                memory.lives[pattern.policy.rule_id, city] = life
                memory.keep_policy(pattern.policy, pattern.subject)

    def resume(self, memory: Memory, begun_anew: list[str]) -> set[tuple[str, str]]:
        """Take up what is ours; which alerts that were, and which patterns could not."""
        taken = set()
        for (lateness, city), known in memory.cities.items():
            if lateness == self.lateness:
                known.resume(self.desk(city), self._room(city).watches)
        for (rule_id, city), life in memory.lives.items():
            for one in self._rule_watches(rule_id, city):
                if len(life.turning) == len(one.rule.policy.severities):
                    one.life = life
                    taken.add((rule_id, city))
        for room in self._rooms.values():
            for watch in room.watches:
                watch.settle()
        for pattern in self._patterns:
            if not pattern.restore(memory.detectors.get(pattern.policy.rule_id)):
                begun_anew.append(pattern.policy.rule_id)
            taken |= pattern.resume(memory.lives)
        return taken

    def _rule_watches(self, rule_id: str, city: str) -> Iterable[RuleWatch]:
        if all(rule.rule_id != rule_id for rule in self._rules):
            return []
        return [
            one for w in self._room(city).watches for one in w.rules if one.rule.rule_id == rule_id
        ]


class _Room(NamedTuple):
    """What watches one city."""

    watches: list[MetricWatch]
    patterns: list["_PatternWatch"]
    zone: tzinfo


class _PatternWatch:
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


def _orphan(known: PolicyMemory, city: str, life: Life) -> AlertEvent:
    """The end of an alert whose rule is gone."""
    details = {"reason": "its rule was removed or changed"}
    finding = Finding(city, life.observed_at, 0, details=details)
    _, event = advance(known.policy(), known.subject, life, finding)
    if event is None:
        message = f"the end of {known.rule_id} in {city} is no event"
        raise AssertionError(message)
    return event
