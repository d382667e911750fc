"""History from Open-Meteo's archive: a city's year at a time, within the service's limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from citywx.backfill import BackfillError, yearly
from citywx.weather.city import City
from citywx.weather.reading import Reading
from streaming.history_work import HistoryWork
from streaming.sources.call_windows import CallLog, seconds_until_allowed
from streaming.sources.errors import (
    CallLimitError,
    RequestRefusedError,
    UnavailableError,
    UnreadableAnswerError,
)
from streaming.sources.open_meteo_archive import NEWEST, OpenMeteoArchive, calls_of

_ATTEMPTS = 6
_LONGEST_PAUSE = 3_600.0
_AFTER_LIMIT, _AFTER_FAILURE = 60.0, 2.0  # seconds, doubled with each attempt
_SAY_FROM = 10.0  # seconds

Pause = Callable[[RetryCallState], float]


@dataclass(frozen=True, slots=True)
class Year:
    """A city's year, or a part of one: one request."""

    city: City
    first: date
    last: date

    @property
    def piece(self) -> str:
        """Its name in the backfill's state."""
        return f"{self.city.name} {self.first}/{self.last}"

    @property
    def days(self) -> int:
        """Days in it."""
        return (self.last - self.first).days + 1


def pause_after(state: RetryCallState) -> float:
    """Seconds to wait before asking again: as long as the service wants, else longer and longer."""
    error = state.outcome.exception() if state.outcome else None
    doubled = 2.0 ** (state.attempt_number - 1)
    if isinstance(error, CallLimitError):
        return min(error.retry_after or _AFTER_LIMIT * doubled, _LONGEST_PAUSE)
    return _AFTER_FAILURE * doubled


def years_of(work: HistoryWork, cities: Sequence[City], today: date) -> list[Year]:
    """What has to be asked for: only what the log accepts and the archive has."""
    request, oldest = work.request, work.settings.history_start.date()
    first, last = max(request.first, oldest), min(request.last, today - NEWEST)
    if first > request.first:
        work.screen.say(f"{request.first} to {oldest}: before HISTORY_START, left out")
    if last < request.last:
        work.screen.say(f"after {last}: not in the archive yet, left out")
    if first > last:
        message = f"nothing is left of {request.first} to {request.last}"
        raise BackfillError(message)
    return [Year(city, *span) for city in cities for span in yearly(first, last)]


def append_archive(
    work: HistoryWork,
    archive: OpenMeteoArchive,
    years: Sequence[Year],
    called: CallLog,
    pause: Pause = pause_after,
) -> list[str]:
    """Ask for the years that are not in the log yet, and append them; what could not be had.

    Raises SourceError when the service stays unreachable, or allows no more calls.
    """
    work.screen.of(sum(year.days for year in years))
    failed = []
    for year in years:
        if year.piece not in work.state.done:
            work.screen.show(year.piece, rows=work.appended)
            try:
                readings = _ask(work, archive, year, called, pause)
            except (RequestRefusedError, UnreadableAnswerError) as error:
                failed.append(f"{year.piece}: {error}")
                continue
            work.append(readings)
            work.done(year.piece, len(readings))
        work.screen.show(year.piece, advance=year.days, rows=work.appended)
    return failed


def _ask(
    work: HistoryWork, archive: OpenMeteoArchive, year: Year, called: CallLog, pause: Pause
) -> list[Reading]:
    def attempt() -> list[Reading]:
        calls = calls_of(year.first, year.last)
        seconds = seconds_until_allowed(called.made, calls, datetime.now(UTC))
        if seconds > _SAY_FROM:
            work.screen.say(f"waiting {seconds:.0f} s: Open-Meteo's limit of free calls")
        work.wait(seconds)
        called.add(datetime.now(UTC), calls)
        return archive.readings(year.city, year.first, year.last)

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0
        work.screen.say(f"{year.piece}: {error}; next try in {wait:.0f} s")

    retrying = Retrying(
        retry=retry_if_exception_type((UnavailableError, CallLimitError)),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=pause,
        sleep=work.wait,
        before_sleep=tell,
        reraise=True,
    )
    return retrying(attempt)
