"""The queries behind the data-quality report. Only reads.

Days and weeks are counted back from the newest reading, so that a replay has a report as well.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from citywx.home import Home
from citywx.text_output import described, printable
from citywx.weather.reading import MEASURES
from iot_assets.report.facts import (
    CheckFacts,
    CityFacts,
    DayFacts,
    Example,
    FlagFacts,
    LogLine,
    QualityReport,
    RejectedFacts,
    changes_between,
    sentence_of,
)

_DAY, _WEEK, _CALENDAR = timedelta(days=1), timedelta(days=7), timedelta(weeks=12)
_MOST_REASONS = 50
_MOST_EXAMPLES = 5
_SAMPLE_BYTES = 160
_OUTCOMES = ("lines", "loaded", "duplicates", "corrected", "rejected", "skipped")

_ACCOUNTS = text(
    f"""
    SELECT {", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in _OUTCOMES)}
    FROM ingest_batches WHERE loaded_at > :start AND loaded_at <= :end
    """  # noqa: S608 - names of our own
)
_CITIES = text("""
    SELECT cities.name, latest."timestamp" AS latest, week.readings, week.longest_gap
    FROM cities
    CROSS JOIN LATERAL (
        SELECT "timestamp" FROM weather_readings WHERE city = cities.name
        ORDER BY "timestamp" DESC LIMIT 1
    ) AS latest
    CROSS JOIN LATERAL (
        SELECT count(*) AS readings, max(gap) AS longest_gap FROM (
            SELECT "timestamp" - lag("timestamp") OVER (ORDER BY "timestamp") AS gap
            FROM weather_readings
            WHERE city = cities.name AND "timestamp" > latest."timestamp" - CAST(:week AS interval)
        ) AS gaps
    ) AS week
    ORDER BY cities.name
""")
_DAYS = text("""
    SELECT city, day, readings, suspect, failed FROM daily_statistics
    WHERE day > :start AND day <= :end ORDER BY city, day
""")
_FLAGS = text("""
    SELECT city, flag, "timestamp" > :start AS this_week, count(*) AS readings
    FROM weather_readings, unnest(qc_flags) AS flag
    WHERE "timestamp" > :before AND "timestamp" <= :end
    GROUP BY 1, 2, 3
""")
_EXAMPLES = text("""
    SELECT flagged.flag, clean.*, segments.segment, raw.byte_offset
    FROM unnest(CAST(:flags AS text[])) AS flagged (flag)
    CROSS JOIN LATERAL (
        SELECT city, "timestamp", source, temperature_c, humidity, pressure, wind_speed
        FROM weather_readings
        WHERE "timestamp" > :start AND "timestamp" <= :end AND qc_flags @> ARRAY[flagged.flag]
        ORDER BY "timestamp" DESC, city LIMIT :most
    ) AS clean
    LEFT JOIN raw_readings AS raw
        ON raw.city = clean.city AND raw."timestamp" = clean."timestamp"
        AND raw.source = clean.source AND raw."timestamp" > :start AND raw."timestamp" <= :end
    LEFT JOIN ingest_segments AS segments USING (segment_no)
""")
_FLAGS_OF_DAY = text("""
    SELECT flag, count(*) AS readings FROM weather_readings, unnest(qc_flags) AS flag
    WHERE "timestamp" > :start AND "timestamp" <= :end GROUP BY 1
""")
# The newest line of a reason is found by its time and key, and only then read.
_REJECTED = text("""
    SELECT reasons.reason, reasons.lines, line.first_seen AS last_seen,
           substring(line.raw FOR :bytes) AS sample, segment, line.byte_offset
    FROM (
        SELECT regexp_replace(reason, '''[^'']*''|-?[0-9][0-9:.TZ+-]*', '…', 'g') AS reason,
               count(*) AS lines,
               max(ARRAY[
                   CAST(extract(epoch FROM first_seen) * 1000000 AS bigint), segment_no, byte_offset
               ]) AS newest
        FROM rejected_lines GROUP BY 1 ORDER BY lines DESC LIMIT :most
    ) AS reasons
    JOIN rejected_lines AS line
        ON line.segment_no = reasons.newest[2] AND line.byte_offset = reasons.newest[3]
    JOIN ingest_segments USING (segment_no)
    ORDER BY reasons.lines DESC, reasons.reason
""")


def quality_report(
    connection: Connection, home: Home, checks: Sequence[CheckFacts], *, now: datetime
) -> QualityReport:
    """Gather the facts; `now` is what ages are counted to."""
    cities = tuple(
        CityFacts(row.name, row.latest, now - row.latest, row.readings, row.longest_gap)
        for row in connection.execute(_CITIES, {"week": _WEEK})
    )
    newest = max((city.latest for city in cities), default=now)
    return QualityReport(
        home=home.name,
        kind=home.kind.value,
        made_at=now,
        accounts=_accounts(connection, _EVER, now),
        cities=cities,
        days=_days(connection, newest),
        changes=changes_between(
            _counts_of_day(connection, newest, now),
            _counts_of_day(connection, newest - _DAY, now - _DAY),
        ),
        flags=_flags(connection, newest),
        rejected=_rejected(connection),
        checks=tuple(checks),
    )


def _accounts(connection: Connection, start: datetime, end: datetime) -> dict[str, int]:
    row = connection.execute(_ACCOUNTS, {"start": start, "end": end}).mappings().one()
    return {name: int(count) for name, count in row.items()}


def _days(connection: Connection, newest: datetime) -> tuple[DayFacts, ...]:
    last = newest.astimezone(UTC).date()
    rows = connection.execute(_DAYS, {"start": last - _CALENDAR, "end": last})
    return tuple(DayFacts(*row) for row in rows)


def _counts_of_day(connection: Connection, newest: datetime, now: datetime) -> dict[str, int]:
    """Lines by outcome and readings by flag, of the day that ends then."""
    counts = _accounts(connection, now - _DAY, now)
    flags = connection.execute(_FLAGS_OF_DAY, {"start": newest - _DAY, "end": newest})
    return counts | {sentence_of(row.flag): int(row.readings) for row in flags}


def _flags(connection: Connection, newest: datetime) -> tuple[FlagFacts, ...]:
    """Each flag of the last week, the most frequent first."""
    bounds = {"before": newest - 2 * _WEEK, "start": newest - _WEEK, "end": newest}
    now: dict[str, dict[str, int]] = {}
    before: dict[str, int] = {}
    for row in connection.execute(_FLAGS, bounds):
        if row.this_week:
            now.setdefault(row.flag, {})[row.city] = int(row.readings)
        else:
            before[row.flag] = before.get(row.flag, 0) + int(row.readings)
    examples = _examples(connection, list(now), newest)
    found = [
        FlagFacts(
            flag,
            sentence_of(flag),
            sum(cities.values()),
            before.get(flag, 0),
            dict(sorted(cities.items(), key=lambda one: (-one[1], one[0]))),
            tuple(examples.get(flag, ())),
        )
        for flag, cities in now.items()
    ]
    return tuple(sorted(found, key=lambda facts: (-facts.readings, facts.flag)))


def _examples(
    connection: Connection, flags: Sequence[str], newest: datetime
) -> dict[str, list[Example]]:
    bounds = {"flags": flags, "start": newest - _WEEK, "end": newest, "most": _MOST_EXAMPLES}
    found: dict[str, list[Example]] = {}
    for row in connection.execute(_EXAMPLES, bounds):
        values = described({name: getattr(row, name) for name in MEASURES})
        line = None if row.segment is None else LogLine(row.segment, int(row.byte_offset))
        example = Example(row.city, row.timestamp, values, row.source, line)
        found.setdefault(row.flag, []).append(example)
    return found


def _rejected(connection: Connection) -> tuple[RejectedFacts, ...]:
    rows = connection.execute(_REJECTED, {"bytes": _SAMPLE_BYTES, "most": _MOST_REASONS})
    return tuple(
        RejectedFacts(
            row.reason,
            row.lines,
            row.last_seen,
            printable(row.sample),
            LogLine(row.segment, int(row.byte_offset)),
        )
        for row in rows
    )


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
