"""What this machine has of what citywx can use, and how to get the rest: `citywx doctor`."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from citywx.local_stack import postgres
from citywx.local_stack.broker import find_mosquitto
from citywx.local_stack.ports import is_free
from citywx.settings import Settings

_NEEDED_BYTES = 2 * 1024**3  # the environment and a year of readings
_REACH_SECONDS = 3.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Verdict(StrEnum):
    """How much a finding matters."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    verdict: Verdict
    what: str
    advice: str = ""
    """What to do about it; empty where nothing is to be done."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one after the other; only BAD findings keep `citywx up` from working."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _disk,
        _postgres,
        _broker,
        _user,
        _weather_services,
        _browser,
    )
    for check in checks:
        yield check(settings)
    yield from _ports(settings)


def _python(settings: Settings) -> Finding:
    del settings
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(Verdict.GOOD, f"Python {version} ({sys.executable})")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    what = f"{free / 1024**3:.1f} GB free for {settings.data_dir}"
    if free < _NEEDED_BYTES:
        return Finding(Verdict.BAD, what, "make room, or set DATA_DIR to a folder elsewhere")
    return Finding(Verdict.GOOD, what)


def _postgres(settings: Settings) -> Finding:
    if settings.database_url is not None:
        return Finding(Verdict.GOOD, "PostgreSQL: the one that DATABASE_URL names")
    try:
        found = postgres.binary("postgres")
    except postgres.PostgresMissingError as error:
        return Finding(Verdict.BAD, "PostgreSQL", str(error))
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        advice = "apt-get install util-linux: PostgreSQL never runs as root"
        return Finding(Verdict.BAD, "setpriv, to start PostgreSQL as root", advice)
    return Finding(Verdict.GOOD, f"PostgreSQL ({found})")


def _broker(settings: Settings) -> Finding:
    if settings.mqtt_url is not None:
        return Finding(Verdict.GOOD, "MQTT broker: the one that MQTT_URL names")
    found = find_mosquitto()
    if found:
        return Finding(Verdict.GOOD, f"Mosquitto ({found})")
    return Finding(
        Verdict.NOTE,
        "no Mosquitto: the broker amqtt is used, which is slower and knows MQTT 3.1.1 alone",
        "apt-get install mosquitto, or brew install mosquitto",
    )


def _user(settings: Settings) -> Finding:
    del settings
    if os.geteuid() == 0:
        return Finding(
            Verdict.NOTE,
            "running as root: it works, and PostgreSQL runs as another user",
            "an ordinary user is enough for everything",
        )
    return Finding(Verdict.GOOD, "running as an ordinary user")


def _weather_services(settings: Settings) -> Finding:
    has_key = settings.openweather_api_key is not None
    url = settings.openweather_url if has_key else settings.open_meteo_url
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_REACH_SECONDS).close()
    except OSError as error:
        advice = "check the network; without it, `make demo` simulates the weather"
        return Finding(Verdict.NOTE, f"{url} cannot be reached ({error})", advice)
    return Finding(Verdict.GOOD, f"{url} can be reached")


def _browser(settings: Settings) -> Finding:
    del settings
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found:
        return Finding(Verdict.GOOD, f"Chromium ({found}), for the tests")
    advice = "apt-get install chromium; only the browser tests need it"
    return Finding(Verdict.NOTE, "no Chromium", advice)


def _ports(settings: Settings) -> Iterator[Finding]:
    ports = {
        "DASHBOARD_PORT": settings.dashboard_port,
        "DAGSTER_PORT": settings.dagster_port,
        "POSTGRES_PORT": settings.postgres_port,
        "MQTT_PORT": settings.mqtt_port,
    }
    for name, port in ports.items():
        if is_free(port):
            yield Finding(Verdict.GOOD, f"port {port} ({name}) is free")
        else:
            advice = "the next free one is taken; `citywx status` shows which"
            yield Finding(Verdict.NOTE, f"port {port} ({name}) is taken", advice)


def report_lines(findings: list[Finding]) -> list[str]:
    """The findings as a table for people."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict.value:<8} {finding.what}")
        if finding.advice:
            lines.append(f"{'':<8}   → {finding.advice}")
    return lines


def is_fit(findings: list[Finding]) -> bool:
    """Whether `citywx up` can work here."""
    return all(finding.verdict is not Verdict.BAD for finding in findings)
