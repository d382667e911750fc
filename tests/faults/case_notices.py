"""SIGKILLs of the notifier while alerts fire: every alert is told, few are told twice, all counted.

A webhook and a mailbox take the notices. A kill may double what was being sent, at most one notice
a way out; the row of such a notice says so. Settings: SEED, TRIALS (kills), RATE (alerts a second).
"""

import logging
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, func, make_url, select

from citywx.home import Home
from citywx.warehouse.tables import alert_notifications
from tests.faults.cases import Figures, Options, upper_bound
from tests.faults.database import Database
from tests.faults.supervisor import Service, Supervisor
from tests.support import smtp
from tests.support.alert_rows import alert_row, fire
from tests.support.webhooks import Received, Reply, WebhookServer, receiving

_TRIALS, _QUICK_TRIALS = 100, 3
_RATE = 3  # far fewer than are sent in a second: a killed sender must catch up
_LONGEST_PAUSE = 3.0
_LONGEST_ANSWER = 0.1
_WITHIN_SECONDS = 600.0
_ROOT = Path(__file__).parents[2]
_NAME = "notifier"
_ROUTES = """
[[receiver]]
name = "hook"
type = "webhook"
url = "{url}"

[[receiver]]
name = "operators"
type = "email"
to = ["operator@example.org"]

[[route]]
name = "all"
receivers = ["hook", "operators"]
group_by = ["city"]
group_wait = "0s"
repeat_interval = "never"
most_notices = 1000000
most_listed = 1000000
"""
_log = logging.getLogger(__name__)


@dataclass
class Alerts:
    """Alerts that fire all the time."""

    engine: Engine
    rate: int
    ids: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Fire until told to stop: each transaction is one alert, in a city of its own."""
        while not self.stopping.wait(1 / self.rate):
            number = len(self.ids)
            row = alert_row(f"a{number}", f"City {number}", at=datetime.now(UTC))
            with self.engine.begin() as connection:
                fire(connection, row)
            self.ids.append(f"a{number}")


@dataclass
class World:
    """The notifier, what it reads, and who receives."""

    supervisor: Supervisor
    engine: Engine
    webhook: WebhookServer
    mailbox: smtp.SmtpServerForTests


def run(options: Options) -> list[Figures]:
    """Kill at moments that the seed gives, let everything arrive, and compare."""
    kills = options.number("TRIALS", _TRIALS, _QUICK_TRIALS)
    dice = random.Random(options.seed)  # noqa: S311 - to repeat a failure
    began = time.monotonic()
    with _world(dice) as world:
        alerts = Alerts(world.engine, options.number("RATE", _RATE, _RATE))
        thread = threading.Thread(target=alerts.run, daemon=True)
        thread.start()
        for trial in range(kills):
            _until(lambda: world.supervisor.pid(_NAME) is not None, "a running notifier")
            _until(_sent_since(world), "a notice from it")
            time.sleep(dice.uniform(0, _LONGEST_PAUSE))
            world.supervisor.kill(_NAME)
            if trial % 10 == 0:
                _log.info("%d of %d kills, %d alerts", trial + 1, kills, len(alerts.ids))
        alerts.stopping.set()
        thread.join()
        in_time = _until(lambda: _settled(world.engine, len(alerts.ids)), "all notices settled")
        figures = _judge(world, alerts.ids, kills)
    figures["problems"] += [] if in_time else ["not all notices were settled in time"]
    return [{"trials": kills, "seconds": round(time.monotonic() - began), **figures}]


def _judge(world: World, ids: list[str], kills: int) -> Figures:
    """What arrived, against what fired and what the rows say of it."""
    by_webhook = Counter(world.webhook.taken)
    by_mail = Counter(str(message["Message-ID"]) for message in world.mailbox.messages)
    told = {
        "webhook": {a["alert_id"] for one in world.webhook.received for a in one.json["alerts"]},
        "mail": _in_mails(world),
    }
    doubled = {"webhook": _doubles(by_webhook), "mail": _doubles(by_mail)}
    counted = _uncertain(world.engine)
    lost = {way: len(set(ids) - found) for way, found in told.items()}
    made_twice = _made_twice(world.engine)
    problems = [f"{number} alerts lost by {way}" for way, number in lost.items() if number]
    problems += [f"{made_twice} alerts stand in two notices"] if made_twice else []
    for way, number in doubled.items():
        if number > kills:
            problems.append(f"{number} doubled by {way} with {kills} kills")
        if number > counted.get(way, 0):
            problems.append(f"{number} doubled by {way}, {counted.get(way, 0)} counted")
    return {
        "lost": sum(lost.values()),
        "double": sum(doubled.values()),
        "corrupt": made_twice,
        "alerts": len(ids),
        "doubled": doubled,
        "uncertain": counted,
        "failure_rate_below": upper_bound(kills) if not problems else None,
        "problems": problems,
    }


def _in_mails(world: World) -> set[str]:
    """The alerts whose city stands in a mail's subject."""
    ids = set()
    for message in world.mailbox.messages:
        ids.add("a" + str(message["Subject"]).rpartition("City ")[2])
    return ids


def _doubles(deliveries: Counter[str]) -> int:
    return sum(times - 1 for times in deliveries.values())


def _uncertain(engine: Engine) -> dict[str, int]:
    table = alert_notifications
    query = select(table.c.channel, func.sum(table.c.uncertain)).group_by(table.c.channel)
    with engine.connect() as connection:
        return {channel: int(number) for channel, number in connection.execute(query)}


def _made_twice(engine: Engine) -> int:
    """Alerts that two notices for one receiver tell of."""
    table = alert_notifications
    alert = func.unnest(table.c.alert_ids).label("alert_id")
    each = select(table.c.receiver, alert).subquery()
    twice = (
        select(each.c.alert_id)
        .group_by(each.c.receiver, each.c.alert_id)
        .having(func.count() > 1)
        .subquery()
    )
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(twice)).scalar_one())


def _settled(engine: Engine, alerts: int) -> bool:
    table = alert_notifications
    query = select(func.count(), func.count().filter(table.c.state == "sent"))
    with engine.connect() as connection:
        made, sent = connection.execute(query).one()
    return made == sent == 2 * alerts


def _sent_since(world: World) -> Callable[[], bool]:
    """Whether something has arrived since now."""
    before = len(world.webhook.received)
    return lambda: len(world.webhook.received) > before


def _until(holds: Callable[[], bool], what: str) -> bool:
    deadline = time.monotonic() + _WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            _log.error("not in time: %s", what)
            return False
        time.sleep(0.02)
    return True


@contextmanager
def _world(dice: random.Random) -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="citywx-faults-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    home = Home(folder / "faults", folder / "faults" / "log" / "readings.csv")
    database, supervisor = Database(home.postgres / "data"), Supervisor()
    pauses = random.Random(dice.random())  # noqa: S311 - its own, for the server's threads

    def slowly(_: Received) -> Reply:
        return Reply(seconds=pauses.uniform(0, _LONGEST_ANSWER))

    try:
        supervisor.add(database.service(folder / "postgres.log", dict(os.environ), ()))
        database.migrate()
        engine = create_engine(make_url(database.url).set(drivername="postgresql+psycopg"))
        with receiving() as webhook, smtp.running() as mailbox:
            webhook.reply = slowly
            routes = folder / "notices.toml"
            routes.write_text(_ROUTES.format(url=webhook.url), "utf-8")
            environment = {
                **os.environ,
                "DATA_DIR": str(folder),
                "HOME_NAME": "faults",
                "DATABASE_URL": database.url,
                "SMTP_URL": mailbox.url,
                "MAIL_FROM": "citywx <citywx@example.org>",
                "MAILS_PER_SECOND": "1000",
                "ALERT_ROUTES": str(routes),
            }
            command = [sys.executable, "-m", "streaming.notifier"]
            log = folder / "notifier.log"
            supervisor.add(Service(_NAME, command, log, environment, _ROOT))
            yield World(supervisor, engine, webhook, mailbox)
            engine.dispose()
    finally:
        supervisor.stop((_NAME, "postgres"))
        shutil.rmtree(folder)
