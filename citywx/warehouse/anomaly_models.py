"""What the anomaly models are learnt from, and the models that were: versions, kept for a while.

Learning belongs in `citywx.weather.anomalies.training`. The stream takes models from a file, so
that no alert waits for a database; here they stand to be looked at and held to their word.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Connection, TextClause, delete, insert, text

from citywx.warehouse.cities import known_cities
from citywx.warehouse.near import cities_within
from citywx.warehouse.tables import anomaly_models
from citywx.weather.anomalies.calibration import HOURS_PER_MONTH, count_alarms
from citywx.weather.anomalies.encoding import decode_city, encode_city
from citywx.weather.anomalies.gated import through_gate
from citywx.weather.anomalies.history import History
from citywx.weather.anomalies.model import CityModel, Models
from citywx.weather.anomalies.neighbours import other_source
from citywx.weather.anomalies.scorer import AnomalyScorer
from citywx.weather.anomalies.training import Learnt, learn_cities
from citywx.weather.quality.flags import DOUBTS, SEVERITIES, Severity
from citywx.weather.quality.limits import Limits
from citywx.weather.reading import MEASURES, Reading

_NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LEARNT_FROM: Final = timedelta(days=366)
_KEPT: Final = timedelta(days=62)
_NEAR_KM: Final = 300.0
_MOST_NEAR: Final = 4
STATED_RATE: Final = 1.0
"""False alarms a city and month: the rate whose threshold stands beside each model."""

_FAILING: Final = {
    measure: [
        flag.name
        for flag, measures in DOUBTS.items()
        if measures == (measure,) and SEVERITIES[flag] is Severity.FAIL
    ]
    for measure in MEASURES
}
_BELIEVED = ", ".join(
    f"CASE WHEN '{measure}' = ANY(imputed) OR qc_flags && ARRAY{flags}::text[] "
    f"THEN NULL ELSE {measure} END AS {measure}"
    for measure, flags in _FAILING.items()
)
"""What the stream sees too: neither filled in nor failed."""

_HISTORY = text(
    f"""
    SELECT DISTINCT ON (date_bin('1 hour', "timestamp", '2000-01-01T00:00Z')) "timestamp",
        {_BELIEVED}
    FROM weather_readings
    WHERE city = :city AND "timestamp" > :since
    ORDER BY date_bin('1 hour', "timestamp", '2000-01-01T00:00Z'), "timestamp"
    """  # noqa: S608 - names of our own
)
_OTHER_SOURCES = text("""
    SELECT source FROM raw_readings
    WHERE city = :city AND "timestamp" > :since AND source <> coalesce((
        SELECT mode() WITHIN GROUP (ORDER BY source) FROM weather_readings
        WHERE city = :city AND "timestamp" > :since
    ), '')
    GROUP BY source ORDER BY count(*) DESC LIMIT :most
""")
_OF_SOURCE = text(
    f"""
    SELECT DISTINCT ON (date_bin('1 hour', "timestamp", '2000-01-01T00:00Z')) "timestamp",
        {", ".join(MEASURES)}
    FROM raw_readings
    WHERE city = :city AND source = :source AND "timestamp" > :since
    ORDER BY date_bin('1 hour', "timestamp", '2000-01-01T00:00Z'), "timestamp"
    """  # noqa: S608 - names of our own
)
_MODELS_BEFORE = text("""
    SELECT DISTINCT ON (city) city, learnt FROM anomaly_models
    ORDER BY city, last_timestamp > :moment,
        CASE WHEN last_timestamp > :moment THEN made_at END, made_at DESC
""")
_LATEST = text('SELECT max("timestamp") FROM weather_readings WHERE city = :city')


def learn_from_history(connection: Connection) -> Learnt:
    """The models of all cities, from a year of their readings; near cities are compared."""
    histories: dict[str, History] = {}
    near: dict[str, list[str]] = {}
    for city in known_cities(connection):
        latest = connection.execute(_LATEST, {"city": city.name}).scalar()
        since = (latest or _NEVER) - _LEARNT_FROM
        histories[city.name] = through_gate(
            _read(connection, _HISTORY, city=city.name, since=since)
        )
        near[city.name] = cities_within(connection, city.name, _NEAR_KM, _MOST_NEAR)
        sources = {"city": city.name, "since": since, "most": _MOST_NEAR}
        for source in connection.execute(_OTHER_SOURCES, sources).scalars().all():
            name = other_source(city.name, source)
            near[city.name].append(name)
            histories[name] = _believed(
                _read(connection, _OF_SOURCE, city=city.name, source=source, since=since)
            )
    return learn_cities(histories, near)


def store_models(connection: Connection, models: Models) -> None:
    """Keep what was learnt, and drop what is older than two months."""
    rows = [
        {
            "city": name,
            "made_at": models.made_at,
            "first_timestamp": model.first,
            "last_timestamp": model.last,
            "readings": model.readings,
            "cadence_hours": model.normal.cadence,
            "threshold": model.threshold(STATED_RATE),
            "neighbours": sorted({one.neighbour for one in model.normal.differences}),
            "learnt": encode_city(model),
        }
        for name, model in models.cities.items()
    ]
    if rows:
        connection.execute(insert(anomaly_models), rows)
    old = anomaly_models.c.made_at < models.made_at - _KEPT
    connection.execute(delete(anomaly_models).where(old))


def alarms_since_learnt(
    connection: Connection, now: datetime, weeks: int
) -> dict[str, tuple[int, float]]:
    """For each city the alarms, and the months they came in, by a model that knew none of it.

    The newest model that is at least so many weeks old; else the oldest there is. Cities whose
    model is younger than a week are left out.
    """
    found = {}
    for city, model in _models_before(connection, now - timedelta(weeks=weeks)).items():
        warm_up = model.last - timedelta(days=2)
        history = through_gate(_read(connection, _HISTORY, city=city, since=warm_up))
        if len(history.slots) and history.time(-1) - model.last >= timedelta(weeks=1):
            found[city] = _alarms(city, model, history)
    return found


def _alarms(city: str, model: CityModel, history: History) -> tuple[int, float]:
    scorer = AnomalyScorer(Models(model.last, {city: model}), STATED_RATE)
    begins = int(model.last.timestamp()) // 3600
    hours, alarming = [], []
    for place, values in enumerate(history.values.tolist()):
        t, h, p, w = [None if math.isnan(value) else value for value in values]
        judgement = scorer.judge(Reading(history.time(place), city, t, h, p, w))
        if judgement is not None and int(history.slots[place]) * history.cadence > begins:
            hours.append(int(history.slots[place]) * history.cadence)
            alarming.append(judgement.score > judgement.threshold)
    if not hours:
        return 0, 0.0
    months = (hours[-1] - hours[0] + history.cadence) / HOURS_PER_MONTH
    return count_alarms(np.array(hours), np.array(alarming)), months


def _models_before(connection: Connection, moment: datetime) -> dict[str, CityModel]:
    rows = connection.execute(_MODELS_BEFORE, {"moment": moment})
    return {city: decode_city(learnt) for city, learnt in rows}


def _read(connection: Connection, query: TextClause, **wanted: object) -> History:
    rows = connection.execute(query, wanted).all()
    times = np.array([int(row[0].timestamp() * 1e6) for row in rows], dtype=np.int64)
    values = np.array([row[1:] for row in rows], dtype="float64").reshape(-1, len(MEASURES))
    return History.of(times, values)


def _believed(history: History) -> History:
    """The same without values that no weather has: raw readings were not judged."""
    values = history.values.copy()
    for column, measure in zip(values.T, MEASURES, strict=True):
        least, greatest = Limits().hard_range(measure)
        column[(column < least) | (column > greatest)] = np.nan
    return History(history.cadence, history.slots, values)
