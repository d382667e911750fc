"""The statement that merges a batch of staged readings into `raw_readings`.

It treats the lines as if they came one by one, in log order: a line about a new observation is
loaded; one that says something else than the line before is a correction; any other is a
duplicate. A line that stands before the stored one in the log (the log is being read again)
changes nothing.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

STAGE = "staged_readings"
STAGE_COLUMNS = """
    source text, city text, "timestamp" timestamptz,
    temperature_c double precision, humidity double precision, pressure double precision,
    wind_speed double precision, weather text, fetched_at timestamptz, byte_offset bigint
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the staged lines."""

    loaded: int = 0
    duplicates: int = 0
    corrected: int = 0
    days: frozenset[date] = frozenset()


MERGE = text(
    """
    WITH compared AS (
        SELECT new.*,
            old.city IS NOT NULL AS known,
            old.city IS NULL
                OR (:segment_no, new.byte_offset) >= (old.segment_no, old.byte_offset) AS valid,
            (new.temperature_c, new.humidity, new.pressure, new.wind_speed, new.weather)
                IS DISTINCT FROM
            (old.temperature_c, old.humidity, old.pressure, old.wind_speed, old.weather)
                AS differs_from_stored
        FROM staged_readings AS new
        LEFT JOIN raw_readings AS old
            ON old.city = new.city AND old."timestamp" = new."timestamp"
            AND old.source = new.source AND old."timestamp" BETWEEN :first AND :last
    ), numbered AS (
        SELECT compared.*,
            row_number() OVER lines AS number,
            lead(byte_offset) OVER lines IS NULL AS last,
            ROW(temperature_c, humidity, pressure, wind_speed, weather)
                IS DISTINCT FROM
            lag(ROW(temperature_c, humidity, pressure, wind_speed, weather)) OVER lines
                AS differs_from_line_before
        FROM compared
        WINDOW lines AS (PARTITION BY source, city, "timestamp", valid ORDER BY byte_offset)
    ), judged AS (
        SELECT numbered.*,
            valid AND NOT known AND number = 1 AS loaded,
            valid AND CASE
                WHEN number > 1 THEN differs_from_line_before
                ELSE known AND differs_from_stored
            END AS corrected
        FROM numbered
    ), changed AS (
        SELECT * FROM (
            SELECT judged.*, bool_or(loaded OR corrected) OVER observation AS changes
            FROM judged
            WINDOW observation AS (PARTITION BY source, city, "timestamp", valid)
        ) AS each
        WHERE changes AND last
    ), merged AS (
        INSERT INTO raw_readings (
            source, city, "timestamp", temperature_c, humidity, pressure, wind_speed, weather,
            fetched_at, segment_no, byte_offset
        )
        SELECT source, city, "timestamp", temperature_c, humidity, pressure, wind_speed, weather,
            fetched_at, :segment_no, byte_offset
        FROM changed
        ORDER BY source, city, "timestamp"
        ON CONFLICT (city, "timestamp", source) DO UPDATE SET
            temperature_c = excluded.temperature_c,
            humidity = excluded.humidity,
            pressure = excluded.pressure,
            wind_speed = excluded.wind_speed,
            weather = excluded.weather,
            fetched_at = excluded.fetched_at,
            segment_no = excluded.segment_no,
            byte_offset = excluded.byte_offset,
            loaded_at = now()
    ), windows AS (
        INSERT INTO dirty_windows (
            city, day, first_timestamp, last_timestamp, segment_no, byte_offset
        )
        SELECT city, ("timestamp" AT TIME ZONE 'UTC')::date, min("timestamp"), max("timestamp"),
            :segment_no, :end
        FROM changed
        GROUP BY 1, 2
        RETURNING day
    ), first_seen AS (
        INSERT INTO cities (name)
        SELECT DISTINCT city FROM changed
        ON CONFLICT DO NOTHING
    )
    SELECT
        count(*) FILTER (WHERE loaded) AS loaded,
        count(*) FILTER (WHERE corrected) AS corrected,
        count(*) FILTER (WHERE NOT loaded AND NOT corrected) AS duplicates,
        (SELECT coalesce(array_agg(DISTINCT day), '{}') FROM windows) AS days
    FROM judged
    """
)
