"""SIGKILLs of the alerter, the recorder and the notifier while cities warm up and cool down.

From the reading to the notice: each warm spell is one row in `alerts` and at least one notice, and
what a kill doubled is counted. Settings: SEED, TRIALS (kills in all), RATE (readings a second).
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from citywx.weather.alerting.events import alert_id
from citywx.weather.reading import Reading, to_csv_line
from tests.faults.cases import Figures, Options, upper_bound
from tests.faults.rig import ROOT, Plan, Rig, running
from tests.support.log_messages import append
from tests.support.webhooks import WebhookServer, receiving

VICTIMS = ("alerter", "recorder", "notifier")
_TRIALS, _QUICK_TRIALS = 99, 6
_RATE = 10
_LONGEST_PAUSE = 2.0
_CITIES = 20
_RULE = "above-23"
_ROUTES = """
[[receiver]]
name = "hook"
type = "webhook"
url = "{url}"

[[route]]
name = "all"
receivers = ["hook"]
group_by = ["city"]
group_wait = "0s"
group_interval = "1s"
repeat_interval = "never"
most_notices = 1000000
most_listed = 1000000
"""
_log = logging.getLogger(__name__)


@dataclass
class Weather:
    """Cities that are warm and cool by turns, one reading after another."""

    log: Path
    rate: float
    warm: list[str] = field(default_factory=list)
    """The ids of the alerts that must come of it."""
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Append until told to stop; ends with every city cool."""
        number = 0
        while not self.stopping.wait(1 / self.rate):
            self._append(number % _CITIES, warm=number // _CITIES % 2 == 1)
            number += 1
        for city in range(_CITIES):
            self._append(city, warm=False)

    def _append(self, city: int, *, warm: bool) -> None:
        reading = Reading(datetime.now(UTC), f"City {city}", 25.0 if warm else 20.0)
        append(self.log, to_csv_line(reading))
        if warm:
            self.warm.append(alert_id(_RULE, reading.city, reading.timestamp))


def run(options: Options) -> list[Figures]:
    """Kill in an order and at moments that the seed gives, let everything arrive, and compare."""
    kills = options.number("TRIALS", _TRIALS, _QUICK_TRIALS)
    rate = options.number("RATE", _RATE, _RATE)
    dice = random.Random(options.seed)  # noqa: S311 - to repeat a failure
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    dice.shuffle(victims)
    began = time.monotonic()
    with _rig(rate) as (rig, webhook):
        weather = Weather(rig.home.readings_csv, rate)
        thread = threading.Thread(target=weather.run, daemon=True)
        thread.start()
        for number, victim in enumerate(victims):
            rig.go_on(dice.uniform(0, _LONGEST_PAUSE))
            rig.wait_for(lambda name=victim: rig.supervisor.pid(name) is not None, victim)  # type: ignore[misc]
            rig.supervisor.kill(victim)
            if number % 10 == 0:
                _log.info("%d of %d kills, %d alerts", number + 1, kills, len(weather.warm))
        weather.stopping.set()
        thread.join()
        rig.until(lambda: set(weather.warm) <= _told(webhook), "a notice of each alert", 300)
        rig.until(lambda: _ended(rig) >= len(weather.warm), "the end of each alert", 60)
        figures = _judge(rig, weather, webhook, kills)
        return [
            {"trials": kills, "seconds": round(time.monotonic() - began), **figures}
            | {"problems": rig.problems}
        ]


def _judge(rig: Rig, weather: Weather, webhook: WebhookServer, kills: int) -> Figures:
    with rig.database.connect() as connection:
        rows = _rows(connection)
        counted = _uncertain(connection)
    expected = set(weather.warm)
    unknown = rows.keys() - expected
    missing = expected - rows.keys()
    untold = expected - _told(webhook)
    open_still = [one for one, state in rows.items() if state != "resolved"]
    doubled = sum(times - 1 for times in Counter(webhook.taken).values())
    rig.expect(not missing, f"{len(missing)} alerts are no row")
    rig.expect(not unknown, f"{len(unknown)} rows are no alert of ours")
    rig.expect(not untold, f"{len(untold)} alerts were not told")
    rig.expect(not open_still, f"{len(open_still)} alerts have not ended")
    rig.expect(doubled <= min(kills, counted), f"{doubled} doubled, {counted} counted")
    return {
        "lost": len(missing) + len(untold),
        "double": doubled,
        "corrupt": len(unknown),
        "alerts": len(expected),
        "uncertain": counted,
        "failure_rate_below": upper_bound(kills) if not rig.problems else None,
    }


def _ended(rig: Rig) -> int:
    with rig.database.connect() as connection:
        return sum(state == "resolved" for state in _rows(connection).values())


def _rows(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT alert_id, state FROM alerts").fetchall())


def _uncertain(connection: psycopg.Connection) -> int:
    (number,) = connection.execute(
        "SELECT coalesce(sum(uncertain), 0) FROM alert_notifications"
    ).fetchone() or (0,)
    return int(number)


def _told(webhook: WebhookServer) -> set[str]:
    return {alert["alert_id"] for one in list(webhook.received) for alert in one.json["alerts"]}


@contextmanager
def _rig(rate: float) -> Iterator[tuple[Rig, WebhookServer]]:
    """The speed layer with a notifier, and a webhook that it tells."""
    with receiving() as webhook:
        settings = {"MAIL_FROM": "citywx <citywx@example.org>"}
        plan = Plan(rate=rate, consumers=("bridge",), settings=settings)
        with running(plan, producing=False) as rig:
            rules = rig.folder / "alerts.toml"
            shipped = (ROOT / "tests/support/above_23.toml").read_text("utf-8")
            rules.write_text(shipped.replace("notify = false", "notify = true"), "utf-8")
            routes = rig.folder / "notices.toml"
            routes.write_text(_ROUTES.format(url=webhook.url), "utf-8")
            settings |= {"ALERT_RULES": str(rules), "ALERT_ROUTES": str(routes)}
            for name in VICTIMS:
                rig.add(name)
            yield rig, webhook
