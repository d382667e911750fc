"""The anomaly score in the stream: one reading at a time, each city by its own model.

A city without a model has no anomalies; `without_model` names such cities. Of readings that come
faster than the model's cadence, the first in each slot of time is judged. In the first day after a
start without memory, and after a day of silence, nothing is judged.
"""

from collections.abc import Sequence
from typing import Any, cast

from citywx.weather.alerting.finding import Finding
from citywx.weather.anomalies.city import CityScorer, Judgement
from citywx.weather.anomalies.model import Models
from citywx.weather.anomalies.neighbours import Heard, values_of
from citywx.weather.reading import Reading


class AnomalyScorer:
    """A detector of unusual readings whose models may be exchanged while it runs."""

    def __init__(self, models: Models | None = None, false_alarms_per_month: float = 1.0) -> None:
        """Without models it finds nothing."""
        self.without_model: set[str] = set()
        """Cities that were read and have no model."""
        self._rate = false_alarms_per_month
        self._models: Models | None = None
        self._cities: dict[str, CityScorer] = {}
        self._memories: dict[str, list[object]] = {}
        """Of cities that were not read since `restore`."""
        self._heard = Heard({})
        if models is not None:
            self.use(models)

    def use(self, models: Models) -> None:
        """Judge by these from now on. What is remembered of a city stays where it is of use."""
        self._memories = self._all_memories()
        said = self._heard.remembered()
        self._models, self._cities, self._heard = models, {}, Heard(models.cities)
        self._heard.recall(said)
        self.without_model.clear()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while the city alarms, and one when it ceases to."""
        city = self._city(reading.city)
        before = city is not None and city.alarming
        self._judge(city, reading)
        if city is None or not (before or city.alarming):
            return ()
        level, details = (1, city.details) if city.alarming else (0, {})
        return (
            Finding(reading.city, reading.timestamp, level, city.latest, city.threshold, details),
        )

    def judge(self, reading: Reading) -> Judgement | None:
        """What the score says of a reading; None where it is not judged."""
        return self._judge(self._city(reading.city), reading)

    def _judge(self, city: CityScorer | None, reading: Reading) -> Judgement | None:
        hours, values = reading.timestamp.timestamp() / 3600, values_of(reading)
        self._heard.hear(reading.city, hours, values)
        return None if city is None else city.judge(hours, values, self._heard)

    def hear(self, name: str, reading: Reading) -> None:
        """Hear what another source says of a city, under its name as a neighbour; not judged."""
        self._heard.hear(name, reading.timestamp.timestamp() / 3600, values_of(reading))

    def dump(self) -> object:
        """Each city's memory, and what its neighbours said."""
        return [list(self._all_memories().items()), self._heard.remembered()]

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        models = self._models.cities if self._models else {}
        try:
            cities, said = cast("tuple[Any, Any]", state)
            memories = {str(name): list(memory) for name, memory in cities}
            heard = Heard(models)
            heard.recall(said)
        except TypeError as error:
            message = f"not what the anomaly score remembers: {error}"
            raise ValueError(message) from None
        self._cities, self._memories, self._heard = {}, memories, heard
        for name in list(memories):
            self._city(name)

    def _city(self, name: str) -> CityScorer | None:
        """A city with a model; what is remembered of it is taken up."""
        city = self._cities.get(name)
        if city is not None:
            return city
        model = self._models.cities.get(name) if self._models else None
        if model is None:
            self.without_model.add(name)
            return None
        city = self._cities[name] = CityScorer(model, self._rate)
        if name in self._memories:
            city.recall(self._memories.pop(name))
        return city

    def _all_memories(self) -> dict[str, list[object]]:
        own = {name: city.remembered() for name, city in self._cities.items()}
        return self._memories | own
