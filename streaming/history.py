"""`citywx backfill` at work: years of history into the log, beside a poller that may be running.

The log is the one way in: what is appended here is loaded, cleaned and shown like any other late
reading. A stopped backfill goes on with the pieces that are missing. Where history comes from is
`history_archive`'s and `history_files`' matter.
"""

import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from citywx.backfill import BackfillError, BackfillRequest, BackfillState
from citywx.home import Home, HomeError, HomeKind
from citywx.log_output import configure_logging
from citywx.settings import USAGE_ERROR, WeatherSource, load_or_exit
from citywx.staging.appender import Appender
from citywx.warehouse.cities import save_city
from citywx.warehouse.database import engine_for
from citywx.weather.city import City
from streaming.history_archive import append_archive, years_of
from streaming.history_files import append_files, cities_in_files
from streaming.history_work import HistoryWork, Screen, StoppedError
from streaming.only_instance import AlreadyRunningError, only_instance
from streaming.sources.build import careful
from streaming.sources.call_windows import CallLog
from streaming.sources.cities import look_up_names, resolve_cities
from streaming.sources.errors import SourceError
from streaming.sources.http_client import HttpClient
from streaming.sources.open_meteo import TERMS, OpenMeteo
from streaming.sources.open_meteo_archive import LIMITS, OpenMeteoArchive

_FAILED = 1
_BYTES_PER_MB = 1_000_000
_GO_ON = "the same command goes on from there"


def main(request: BackfillRequest) -> int:
    """Do it; the exit code."""
    settings = load_or_exit()
    configure_logging(settings)
    screen = Screen()
    try:
        home = Home.find(settings)
        if not (request.files and home.kind is HomeKind.REPLAY):
            home.claim(settings, WeatherSource.OPEN_METEO)
        folder = home.state / "backfills"
        rotate_bytes = settings.staging_rotate_mb * _BYTES_PER_MB
        with (
            only_instance(folder / "backfill"),
            Appender(home.readings_csv, rotate_bytes, beside_poller=True) as log,
            screen.progress,
        ):
            state = BackfillState.load(folder, request)
            work = HistoryWork(request, settings, log, state, screen)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: work.stopping.set())
            return _work(work, home)
    except (BackfillError, HomeError, AlreadyRunningError) as error:
        screen.say(f"citywx: {error}")
        return USAGE_ERROR
    except (SourceError, OSError) as error:
        screen.say(f"citywx: {error}; {_GO_ON}")
    except StoppedError:
        screen.say(f"stopped; {_GO_ON}")
    return _FAILED


def _work(work: HistoryWork, home: Home) -> int:
    now = datetime.now(UTC)
    if work.state.done:
        work.screen.say(f"going on: {len(work.state.done)} pieces are in the log already")
    if work.request.files:
        names = cities_in_files(work, now)
        _publish(work, look_up_names(names, home.state / "cities.json"))
        append_files(work, now)
        failed = []
    else:
        cities = _cities(work, home)
        years = years_of(work, cities, now.date())
        _publish(work, cities)
        work.screen.say(TERMS)
        client = HttpClient(work.stopping, LIMITS)
        archive = OpenMeteoArchive(client, work.settings.open_meteo_archive_url)
        failed = append_archive(work, archive, years, CallLog(work.state.path.parent / "calls"))
    for line in failed:
        work.screen.say(line)
    if failed:
        work.screen.say(f"{len(failed)} pieces are missing; the same command tries them again")
        return _FAILED
    work.state.finish()
    work.screen.say(f"{work.appended:,} readings appended: the next load takes them in")
    return 0


def _cities(work: HistoryWork, home: Home) -> list[City]:
    """The cities asked for, by their names in the log or like entries of CITIES."""
    settings = work.settings
    client = HttpClient(work.stopping)
    service = OpenMeteo(client, settings.open_meteo_url, settings.open_meteo_geocoding_url)
    kept, geocode = home.state / "cities.json", careful(service)
    polled = {city.name: city for city in resolve_cities(settings.cities, kept, geocode).values()}
    if not work.request.cities:
        return list(polled.values())
    others = [name for name in work.request.cities if name not in polled]
    found = resolve_cities(others, kept, geocode)
    if missing := [name for name in others if name not in found]:
        message = f"{'; '.join(missing)}: not found; write it like an entry of CITIES"
        raise BackfillError(message)
    return [polled.get(name) or found[name] for name in work.request.cities]


def _publish(work: HistoryWork, cities: Sequence[City]) -> None:
    """Tell the database where the cities are, so that their days are local ones."""
    if work.settings.database_url is None:
        return
    engine = engine_for(work.settings, application="backfill", pool_size=1)
    try:
        with engine.begin() as connection:
            for city in cities:
                save_city(connection, city)
    except SQLAlchemyError as error:
        work.screen.say(f"no database ({type(error).__name__}): new cities count in UTC")
    finally:
        engine.dispose()


if __name__ == "__main__":
    raise SystemExit(main(BackfillRequest.from_json(sys.argv[1])))
