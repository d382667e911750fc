"""All rules and patterns in all cities, moved on by readings and by ticks of the clock.

No clock of its own: the same readings and ticks in the same order give the same events. Readings
of an archive are never judged. What is judged together stands in `bench`, how a condition holds in
`watches` and `patterns`, how an alert lives in `life`.
"""

from collections import deque
from datetime import datetime, timedelta

from citywx.weather.alerting.bench import Bench, Known
from citywx.weather.alerting.definitions import Definitions
from citywx.weather.alerting.events import AlertEvent, advance
from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.life import Life
from citywx.weather.alerting.memory import Memory, PolicyMemory
from citywx.weather.anomalies.scorer import AnomalyScorer
from citywx.weather.reading import ARCHIVE_SOURCE, Reading


class AlertBook:
    """Where every rule and pattern stands in every city."""

    def __init__(
        self,
        definitions: Definitions,
        known: Known | None = None,
        *,
        scorer: AnomalyScorer | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`memory`: as `memory` gave it, of these or of other rules.

        With a `scorer`, whoever calls `judge` calls `score` as often.
        """
        self.definitions = definitions
        times = sorted({policy.lateness for policy in definitions.policies}) or [timedelta()]
        self._benches = [Bench(definitions, lateness, known or Known()) for lateness in times]
        self._unscored: deque[tuple[Reading, list[Reading]]] | None = None
        if scorer is not None and definitions.anomaly is not None:
            self._unscored = deque()
            for bench in self._benches:
                if bench.lateness == definitions.anomaly.policy.lateness:
                    bench.score_with(scorer, definitions.anomaly)
        self.orphans: list[AlertEvent] = []
        """Ends of alerts whose rule is gone, or no longer watches their city."""
        self.begun_anew: list[str] = []
        """Patterns and the like that are not what they were, and go on without a memory."""
        if memory is not None:
            self._resume(memory)

    @property
    def late(self) -> int:
        """Readings that came too late to be judged, or from a source that had to stand back."""
        return sum(desk.late for bench in self._benches for desk in bench.desks.values())

    def judge(self, reading: Reading) -> list[AlertEvent]:
        """What the reading sets off."""
        events: list[AlertEvent] = []
        judged: list[Reading] = []
        if reading.source != ARCHIVE_SOURCE:
            for bench in self._benches:
                for ready in bench.desk(reading.city).accept(reading):
                    events += bench.judge(ready)
                    if bench.scoring:
                        judged.append(bench.seen)
        if self._unscored is not None:
            self._unscored.append((reading, judged))
        return events

    def score(self) -> list[AlertEvent]:
        """What the anomaly score says of the reading judged before the others and not scored yet.

        Apart from `judge`, so that no decision of a rule waits for it.
        """
        if not self._unscored:
            return []
        scoring = next(bench for bench in self._benches if bench.scoring)
        reading, judged = self._unscored.popleft()
        scoring.hear(reading)
        return [event for one in judged for event in scoring.score(one)]

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


def _orphan(known: PolicyMemory, city: str, life: Life) -> AlertEvent:
    """The end of an alert whose rule is gone."""
    details = {"reason": "its rule was removed or changed"}
    finding = Finding(city, life.observed_at, 0, details=details)
    _, event = advance(known.policy(), known.subject, life, finding)
    if event is None:
        message = f"the end of {known.rule_id} in {city} is no event"
        raise AssertionError(message)
    return event
