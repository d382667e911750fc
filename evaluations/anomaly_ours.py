"""Our score in the evaluation: the very scorer of the stream, with models learnt month by month."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.history import History
from citywx.weather.anomalies.model import Models
from citywx.weather.anomalies.scorer import AnomalyScorer
from citywx.weather.anomalies.training import learn_city, share_thresholds
from evaluations.anomaly_faults import Series, reading_of
from evaluations.anomaly_runs import HISTORY_HOURS, Case, Run

Floats = NDArray[np.float64]

Neighbours = Mapping[str, Sequence[tuple[str, Series]]]
"""For each city what it may be compared with, by name."""

_MONTH_HOURS: Final = 30 * 24
_WARM_UP_HOURS: Final = 20 * 24
_RATE: Final = 1.0  # false alarms a month that are asked for


def months(hours: int) -> list[slice]:
    """The rows of each month that is judged."""
    starts = range(HISTORY_HOURS, hours, _MONTH_HOURS)
    return [slice(start, min(start + _MONTH_HOURS, hours)) for start in starts]


class Ours:
    """The models of all cities for each month, and the neighbours that each is compared with."""

    def __init__(self, series: Sequence[Series], neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._months = [
            (rows, self._learn(series, rows.start)) for rows in months(len(series[0].measured))
        ]

    def _learn(self, series: Sequence[Series], until: int) -> Models:
        models = {
            own.city: learn_city(
                _history(own, until),
                {
                    name: _history(other, until)
                    for name, other in self._neighbours.get(own.city, ())
                },
            )
            for own in series
        }
        made_at = series[0].times[until].to_pydatetime()
        return Models(made_at, share_thresholds(models))

    def compared(self) -> dict[str, list[int]]:
        """For each city the measures that are compared with a neighbour, in the last month."""
        cities = self._months[-1][1].cities
        return {name: [d.measure for d in m.normal.differences] for name, m in cities.items()}

    def __call__(self, case: Case) -> Callable[[Floats], Run]:
        """For one city, what judges any values of it."""
        city, times = case.series.city, case.series.times
        moments = [time.to_pydatetime() for time in times]
        near = [(name, other.measured.tolist()) for name, other in self._neighbours.get(city, ())]

        def judge(values: Floats) -> Run:
            scores, thresholds = np.full(len(values), np.nan), np.full(len(values), np.nan)
            rows = values.tolist()
            scorer = AnomalyScorer()
            for month, models in self._months:
                scorer.use(models)
                first = (
                    month.start - _WARM_UP_HOURS if month.start == HISTORY_HOURS else month.start
                )
                for row in range(first, month.stop):
                    for name, other in near:
                        scorer.hear(name, reading_of(moments[row], name, other[row]))
                    judgement = scorer.judge(reading_of(moments[row], city, rows[row]))
                    if judgement is not None and row >= month.start:
                        scores[row], thresholds[row] = judgement.score, judgement.threshold
            return Run(scores, thresholds)

        return judge


def _history(series: Series, until: int) -> History:
    times = series.times[:until].tz_convert(None).to_numpy().astype("datetime64[us]")
    return History.of(times.astype(np.int64), series.measured[:until])
