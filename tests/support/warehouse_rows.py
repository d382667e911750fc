"""Raw and clean readings straight into the warehouse, one an hour, for tests of what is around."""

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, insert

from citywx.warehouse import tables
from citywx.warehouse.partitions import ensure_months, month_start
from citywx.warehouse.retention import start_of

_HOUR = timedelta(hours=1)


def add_hours(
    connection: Connection, city: str, first: date, hours: int, **columns: object
) -> list[datetime]:
    """Add raw and clean readings of a city, warmer by one degree each hour of a day."""
    moments = [start_of(first) + number * _HOUR for number in range(hours)]
    months = {month_start(moment.date()) for moment in moments}
    for table in (tables.raw_readings, tables.weather_readings):
        ensure_months(connection, table.name, months)
    rows = [
        {
            **dict.fromkeys(("temperature_c", "humidity", "pressure", "wind_speed")),
            "timestamp": moment,
            "city": city,
            "temperature_c": float(moment.hour),
            "source": "csv",
        }
        for moment in moments
    ]
    place = {"segment_no": 1, "byte_offset": 0}
    connection.execute(insert(tables.raw_readings), [row | place for row in rows])
    connection.execute(insert(tables.weather_readings), [row | columns for row in rows])
    return moments


def add_dirty_day(connection: Connection, city: str, day: date) -> None:
    """Note that a city's day waits for cleaning."""
    connection.execute(
        insert(tables.dirty_windows).values(
            city=city,
            day=day,
            first_timestamp=start_of(day),
            last_timestamp=start_of(day) + 23 * _HOUR,
            segment_no=1,
            byte_offset=0,
        )
    )
