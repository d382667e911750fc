"""The rules and patterns that allow the same lateness, judged on the same readings in one order.

First quality control, then rules, then patterns; the anomaly score comes apart, when it is asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from citywx.weather.alerting.definitions import Definitions
from citywx.weather.alerting.desk import Desk
from citywx.weather.alerting.events import AlertEvent, Subject
from citywx.weather.alerting.memory import CityMemory, Memory
from citywx.weather.alerting.pattern_watch import PatternWatch, Zones
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.places import Places
from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.alerting.watched import Watched
from citywx.weather.alerting.watches import NOTHING_SUSPECT, MetricWatch, RuleWatch, watches_of
from citywx.weather.anomalies.neighbours import other_source
from citywx.weather.anomalies.options import AnomalyOptions
from citywx.weather.anomalies.scorer import AnomalyScorer
from citywx.weather.reading import ARCHIVE_SOURCE, Reading


def utc(_city: str) -> tzinfo:
    """The zone of a city whose own is not known."""
    return UTC


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of sources and cities."""

    sources: Sequence[str] = ()
    """The best first."""
    zones: Zones = utc
    places: Places | None = None


class Room(NamedTuple):
    """What watches one city."""

    watches: list[MetricWatch]
    patterns: list["PatternWatch"]
    zone: tzinfo


class Bench:
    """The rules and patterns that allow the same lateness."""

    def __init__(self, definitions: Definitions, lateness: timedelta, known: Known) -> None:
        """Begin without a memory."""
        self.lateness = lateness
        self.desks: dict[str, Desk] = {}
        self._ranks = {source: rank for rank, source in enumerate(known.sources)}
        self._zones = known.zones
        self._rules = [r for r in definitions.rules if r.policy.lateness == lateness]
        self._rooms: dict[str, Room] = {}
        self._scoring: PatternWatch | None = None
        self._scorer: AnomalyScorer | None = None
        self.seen: Reading
        """The newest reading, without what failed quality control."""
        feed = Feed(known.places)
        self._gate = QualityGate() if definitions.quality else None
        watched = [*definitions.patterns]
        if definitions.quality and self._gate:
            watched += definitions.quality.watched(self._gate)
        self._patterns = [PatternWatch(p, feed) for p in watched if p.policy.lateness == lateness]
        silences = [r.silent_for for r in self._rules if r.silent_for is not None]
        self._shortest_silence = min(silences, default=None)
        self._silence_from: datetime | None = None

    def desk(self, city: str) -> Desk:
        """Where the city's readings are put in order."""
        desk = self.desks.get(city)
        if desk is None:
            desk = self.desks[city] = Desk(self._ranks, self.lateness)
        return desk

    def _room(self, city: str) -> "Room":
        room = self._rooms.get(city)
        if room is None:
            watching = [p for p in self._patterns if p.policy.watches(city)]
            room = Room(watches_of(self._rules, city), watching, self._zones(city))
            self._rooms[city] = room
        return room

    def judge(self, reading: Reading) -> list[AlertEvent]:
        """What a reading sets off whose turn it is."""
        city, suspect = reading.city, NOTHING_SUSPECT
        if self._gate is not None:
            checked = self._gate.check(reading)
            reading, suspect = checked.reading, checked.suspect
        self.seen = reading
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

    @property
    def scoring(self) -> bool:
        """Whether the anomaly score looks at its readings."""
        return self._scoring is not None

    def score_with(self, scorer: AnomalyScorer, options: AnomalyOptions) -> None:
        """Let a scorer look at the readings too."""
        self._scorer = scorer
        watched = Watched(options.policy, Subject("anomaly score"), lambda _: scorer)
        self._scoring = PatternWatch(watched, Feed())

    def hear(self, reading: Reading) -> None:
        """Let the scorer know what a source says, also one that has to stand back."""
        if self._scorer is not None and reading.source != ARCHIVE_SOURCE:
            self._scorer.hear(other_source(reading.city, reading.source), reading)

    def score(self, reading: Reading) -> list[AlertEvent]:
        """What the anomaly score sets off, of a reading that was judged."""
        pattern = self._scoring
        if pattern is None or not pattern.policy.watches(reading.city):
            return []
        findings = pattern.detector.observe(reading)
        if findings or reading.city in pattern.lives:
            return pattern.take(findings, reading, self._zones, NOTHING_SUSPECT)
        return []

    @property
    def _all_patterns(self) -> list["PatternWatch"]:
        return [*self._patterns, self._scoring] if self._scoring else self._patterns

    def tick(self, now: datetime) -> list[AlertEvent] | None:
        """What the passing of time sets off; None where it changes nothing."""
        ready = self._release(now - self.lateness) if self.lateness else []
        events: list[AlertEvent] = []
        for reading in ready:
            events += self.judge(reading)
            events += self.score(self.seen)
        if self._shortest_silence is not None:
            events += self._miss(now, self._shortest_silence)
        return events if ready or events else None

    def _release(self, through: datetime) -> list[Reading]:
        ready = [reading for desk in self.desks.values() for reading in desk.release(through)]
        return sorted(ready, key=lambda reading: (reading.timestamp, reading.city))

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
        """Put what must be known to go on into `memory`."""
        if self._gate is not None:
            memory.gates[self.lateness] = self._gate.dump()
        for city, desk in self.desks.items():
            watches = self._room(city).watches
            memory.cities[self.lateness, city] = CityMemory.of(desk, watches)
            for watch in watches:
                for one in watch.rules:
                    if one.life is not None:
                        memory.lives[one.rule.rule_id, city] = one.life
                        memory.keep_policy(one.rule.policy, one.subject)
        for pattern in self._all_patterns:
            memory.detectors[pattern.policy.rule_id] = pattern.detector.dump()
            for city, life in pattern.lives.items():
                memory.lives[pattern.policy.rule_id, city] = life
                memory.keep_policy(pattern.policy, pattern.subject)

    def resume(self, memory: Memory, begun_anew: list[str]) -> set[tuple[str, str]]:
        """Take up what is ours; which alerts that were, and which detectors could not."""
        self._resume_gate(memory, begun_anew)
        for (lateness, city), known in memory.cities.items():
            if lateness == self.lateness:
                known.resume(self.desk(city), self._room(city).watches)
        taken = self._resume_rules(memory)
        for pattern in self._all_patterns:
            if not pattern.restore(memory.detectors.get(pattern.policy.rule_id)):
                begun_anew.append(pattern.policy.rule_id)
            taken |= pattern.resume(memory.lives)
        return taken

    def _resume_gate(self, memory: Memory, begun_anew: list[str]) -> None:
        if self._gate is None or self.lateness not in memory.gates:
            return
        try:
            self._gate.restore(memory.gates[self.lateness])
        except ValueError:
            begun_anew.append("quality control")

    def _resume_rules(self, memory: Memory) -> set[tuple[str, str]]:
        taken = set()
        for (rule_id, city), life in memory.lives.items():
            for one in self._rule_watches(rule_id, city):
                if len(life.turning) == len(one.rule.policy.severities):
                    one.life = life
                    taken.add((rule_id, city))
        for room in self._rooms.values():
            for watch in room.watches:
                watch.settle()
        return taken

    def _rule_watches(self, rule_id: str, city: str) -> Iterable[RuleWatch]:
        if all(rule.rule_id != rule_id for rule in self._rules):
            return []
        return [
            one for w in self._room(city).watches for one in w.rules if one.rule.rule_id == rule_id
        ]
