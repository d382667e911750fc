"""A city's period as CSV: streamed, bounded, and harmless in a spreadsheet."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from citywx.warehouse.database import DatabaseNotConfiguredError
from citywx.weather.reading import UnreadableError, format_timestamp, parse_timestamp
from dashboard import data, resources

PATH = "/export/readings.csv"
MAX_ROWS = 1_000_000
_CHUNK_ROWS = 2_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def url(city: str, start: datetime, end: datetime) -> str:
    """The address of an export on this server."""
    period = {"start": format_timestamp(start), "end": format_timestamp(end)}
    return f"{PATH}?{urlencode({'city': city} | period)}"


def readings(request: Request) -> Response:
    """Stream the readings of `city` from `start` to before `end` (ISO 8601)."""
    wanted = request.query_params
    city = wanted.get("city", "")
    try:
        start, end = (parse_timestamp(wanted.get(name, "")) for name in ("start", "end"))
        pool = resources.engine()
        refusal = _refusal(pool, city, start, end)
    except UnreadableError as error:
        return _plain(f"start and end: {error}", 400)
    except (DatabaseNotConfiguredError, SQLAlchemyError):
        return _plain("The database does not answer: try again in a minute.", 503)
    if refusal:
        return _plain(*refusal)
    name = f"{city} {start:%Y-%m-%d} to {end:%Y-%m-%d}.csv"
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    rows = _lines(pool, city, start, end)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers.

    >>> safe_cell("=1+1"), safe_cell(-4.5), safe_cell("clear sky")
    ("'=1+1", -4.5, 'clear sky')
    """
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, list):
        value = ";".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _refusal(pool: Engine, city: str, start: datetime, end: datetime) -> tuple[str, int] | None:
    with pool.connect() as connection:
        if city not in {known.name for known in data.cities(connection)}:
            return "No such city.", 404
        if data.count_readings(connection, [city], start, end, MAX_ROWS + 1) > MAX_ROWS:
            return f"More than {MAX_ROWS:,} readings: choose a shorter period.", 413
    return None


def _lines(pool: Engine, city: str, start: datetime, end: datetime) -> Iterator[str]:
    yield _csv([data.EXPORT_COLUMNS])
    with pool.connect() as connection:
        for rows in data.export_rows(connection, city, start, end, chunk=_CHUNK_ROWS):
            yield _csv([[safe_cell(value) for value in row] for row in rows])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text + "\n", status, {"Cache-Control": "no-store"})
