"""A data home: the folder that holds one pipeline's log, state, database and mails.

A home is real, simulated or a replay, for good. Which home a command means is decided here; what
lies in a home is named here, so that no other module joins path names of its own.
"""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from citywx.settings import Settings, WeatherSource


class HomeKind(StrEnum):
    """What the readings in a home are; the value is its default name."""

    REAL = "real"
    SIMULATED = "simulated"
    REPLAY = "replay"

    @classmethod
    def of(cls, source: WeatherSource) -> "HomeKind":
        """The kind of home that a source (not `auto`) fills."""
        kinds = {WeatherSource.SIMULATE: cls.SIMULATED, WeatherSource.REPLAY: cls.REPLAY}
        return kinds.get(source, cls.REAL)


class HomeError(Exception):
    """A home cannot be used as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one data home."""

    path: Path
    readings_csv: Path

    @classmethod
    def named(cls, settings: Settings, name: str) -> "Home":
        """The home of that name; nothing is created."""
        path = settings.data_dir.absolute() / name
        return cls(path, (settings.readings_csv or path / "log" / "readings.csv").absolute())

    @classmethod
    def find(cls, settings: Settings) -> "Home":
        """The home that these settings mean: HOME_NAME, else the source's, else the last started.

        Raises HomeError when nothing was started yet.
        """
        if settings.home_name:
            return cls.named(settings, settings.home_name)
        if settings.weather_source is not WeatherSource.AUTO:
            return cls.named(settings, HomeKind.of(settings.weather_source).value)
        current = settings.data_dir / "current"
        if current.is_file():
            return cls.named(settings, current.read_text("utf-8").strip())
        message = f"no data home in {settings.data_dir} yet: start one with `make up`"
        raise HomeError(message)

    @property
    def name(self) -> str:
        """The home's name, its folder's."""
        return self.path.name

    def claim(self, settings: Settings, source: WeatherSource) -> None:
        """Create the home for readings of `source`, or check that it holds the same kind.

        Also makes it the current home. Raises HomeError when it holds another kind.
        """
        kind = HomeKind.of(source)
        self.path.mkdir(parents=True, exist_ok=True)
        about = self.path / "home.json"
        if about.exists() and self.kind is not kind:
            message = (
                f"home {self.path} holds {self.kind} readings, and {source} gives {kind} ones, "
                f"which never share a home: set HOME_NAME to another name, "
                f"or delete this one with `citywx reset`"
            )
            raise HomeError(message)
        if not about.exists():
            write_private(about, json.dumps({"kind": kind, "source": source}) + "\n")
        (settings.data_dir / "current").write_text(self.name + "\n", "utf-8")

    @property
    def kind(self) -> HomeKind:
        """What the readings in it are; `real` for a home that was never claimed."""
        about = self.path / "home.json"
        if not about.is_file():
            return HomeKind.REAL
        return HomeKind(json.loads(about.read_text("utf-8"))["kind"])

    @property
    def state(self) -> Path:
        """Checkpoints and snapshots of the streaming processes."""
        return self.path / "state"

    @property
    def anomaly_models(self) -> Path:
        """What the batch layer learnt of each city, for the anomaly score in the stream."""
        return self.path / "models" / "anomaly.json"

    @property
    def alerts_log(self) -> Path:
        """The alerter's own log of events."""
        return self.path / "alerts.ndjson"

    @property
    def mail(self) -> Path:
        """Mails as `.eml` files, where no SMTP_URL is set."""
        return self.path / "mail"

    @property
    def reports(self) -> Path:
        """Data-quality reports."""
        return self.path / "reports"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """What belongs to running processes: sockets, pids, ports."""
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        """Passwords and keys made on the first start; readable by the owner alone."""
        return self.path / "secrets"

    @property
    def postgres(self) -> Path:
        """The embedded database's data."""
        return self.path / "postgres"

    @property
    def broker(self) -> Path:
        """The embedded broker's configuration and password hash."""
        return self.path / "broker"

    @property
    def dagster(self) -> Path:
        """Dagster's compute logs and artifacts."""
        return self.path / "dagster"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
