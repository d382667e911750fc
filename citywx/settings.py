"""Every setting, in one frozen object: the only reader of the environment and of `.env`.

What a setting means to its users stands in its description; the table in `docs/settings.md` is held
against this file by a test. Paths that follow from settings are properties here, so that no other
module joins path names of its own.
"""

import os
import sys
from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

USAGE_ERROR = 2
ENV_FILE = ".env"
NOTICE_PREFIX = "NOTICE_"
"""Begins the names of the secrets that receivers of notices have: `notices.toml` names them."""


class WeatherSource(StrEnum):
    """Where readings come from."""

    AUTO = "auto"
    OPENWEATHERMAP = "openweathermap"
    OPEN_METEO = "open-meteo"
    REPLAY = "replay"
    SIMULATE = "simulate"


class LogFormat(StrEnum):
    """How processes write their log lines."""

    TEXT = "text"
    JSON = "json"


class ReplayTimestamps(StrEnum):
    """Which observation times a replay writes."""

    ORIGINAL = "original"
    NOW = "now"


class BridgePack(StrEnum):
    """When the bridge packs many readings into one message."""

    OFF = "off"
    CATCH_UP = "catch-up"


class FillFrom(StrEnum):
    """Where a consumer reads the readings that it has not got by MQTT."""

    LOG = "log"
    BRIDGE = "bridge"


def _semicolon_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return value


def _midnight_utc(value: object) -> object:
    if isinstance(value, str) and len(value) == len("2010-01-01"):
        return f"{value}T00:00:00Z"
    return value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        message = f"{name!r} is no IANA time zone (like Africa/Cairo)"
        raise ValueError(message) from None
    return name


SemicolonList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_semicolon_list)]
ZoneName = Annotated[str, AfterValidator(_known_zone)]
UtcDate = Annotated[AwareDatetime, BeforeValidator(_midnight_utc)]


class Settings(BaseSettings):
    """All settings. Environment variables have the fields' names in upper case."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Data home
    data_dir: Path = Field(Path(".citywx"), description="Where all data homes lie.")
    home_name: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        description="The data home to use; by default one per kind: real, simulated, replay.",
    )

    # Sources
    cities: SemicolonList = Field(
        ("Cairo", "London", "New York", "São Paulo", "Sydney", "Tokyo"),
        min_length=1,
        description="Cities, separated by `;`: `Cairo; Portland, Oregon, US; Roof@30.04,31.24`.",
    )
    weather_source: WeatherSource = Field(
        WeatherSource.AUTO,
        description="auto, openweathermap, open-meteo, replay or simulate.",
    )
    openweather_api_key: SecretStr | None = Field(
        None, description="Key for OpenWeatherMap; with it `auto` takes that service."
    )
    openweather_url: str = Field(
        "https://api.openweathermap.org", description="Base address of OpenWeatherMap."
    )
    open_meteo_url: str = Field(
        "https://api.open-meteo.com", description="Base address of Open-Meteo."
    )
    open_meteo_geocoding_url: str = Field(
        "https://geocoding-api.open-meteo.com", description="Base address of its geocoder."
    )
    open_meteo_archive_url: str = Field(
        "https://archive-api.open-meteo.com",
        description="Base address of its archive, which `citywx backfill` asks.",
    )
    poll_seconds: float = Field(600, ge=1, description="Seconds between two polls of all cities.")
    backfill_days: int = Field(
        14, ge=0, le=92, description="Days of history that the first start fills in."
    )
    replay_file: Path | None = Field(
        None, description="CSV file, or .csv.gz, that WEATHER_SOURCE=replay plays."
    )
    replay_speed: str = Field(
        "realtime×1",
        pattern=r"^(\d+(\.\d+)?|realtime[×x]\d+(\.\d+)?)$",
        description="Rows a second (`2000`), or `realtime×60`.",
    )
    replay_timestamps: ReplayTimestamps = Field(
        ReplayTimestamps.ORIGINAL,
        description="original, or now: shifted by whole days so that the file ends today.",
    )
    simulate_rows_per_second: float = Field(
        1.0, gt=0, le=50_000, description="Readings a second, over all cities, when simulating."
    )
    simulate_seed: int = Field(20, description="Seed of the simulated weather.")

    # Staging log
    readings_csv: Path | None = Field(
        None, description="The staging file; by default log/readings.csv in the data home."
    )
    staging_rotate_mb: int = Field(
        256, ge=1, description="Size in MB at which the poller closes a segment of the log."
    )
    staging_keep_days: int = Field(
        30, ge=1, description="Days a closed segment is kept once every consumer is past it."
    )
    history_start: UtcDate = Field(
        datetime(2010, 1, 1, tzinfo=UTC),
        description="Oldest accepted observation and first daily partition (UTC date).",
    )

    # Cleaning and alerts
    source_order: SemicolonList = Field(
        ("csv", "openweathermap", "open-meteo", "replay", "simulate"),
        description="Whose reading is taken when several sources have one, best first.",
    )
    low_temp_c: float = Field(10.0, description="Below this (°C) a reading is flagged low_temp.")
    alert_rules: Path = Field(Path("alerts.toml"), description="The file of alert rules.")
    alert_routes: Path = Field(
        Path("notices.toml"), description="The file that says who is told of which alerts."
    )

    # How long readings are kept; statistics by hour and day are kept for ever
    retain_months: int = Field(
        0, ge=0, description="Whole months of readings kept before the present one; 0 for all."
    )
    retain_raw_days: int = Field(
        0,
        ge=0,
        description="Days for which raw readings and rejected lines are kept; a month of readings "
        "goes once all of its days are older. 0 for ever.",
    )

    # Services
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL, `postgresql://user:password@host:port/name`."
    )
    mqtt_url: SecretStr | None = Field(
        None, description="MQTT broker, `mqtt://user:password@host:port`; `mqtts://` for TLS."
    )
    mqtt_ca_file: Path | None = Field(
        None,
        description="PEM file of the CA that signed the broker's certificate; "
        "by default the system's CAs.",
    )
    mqtt_protocol: int = Field(5, ge=4, le=5, description="5 for MQTT 5, 4 for MQTT 3.1.1 (amqtt).")
    dagster_url: str | None = Field(None, description="Address of the Dagster webserver.")
    public_url: str = Field(
        "http://127.0.0.1:8501", description="Where people reach the dashboard; links in mails."
    )

    # Mail
    smtp_url: SecretStr | None = Field(
        None,
        description="`smtp://`, `smtp+starttls://` or `smtps://user:password@host:port`; "
        "without it mails are files in the data home.",
    )
    mail_from: str = Field("citywx <citywx@localhost>", description="Sender of all mails.")
    mails_per_second: float = Field(
        20.0, gt=0, le=1000, description="Mails sent in a second at most."
    )
    summary_time: time = Field(
        time(7, 0), description="When the daily summary is mailed, in TIMEZONE."
    )
    timezone: ZoneName = Field("UTC", description="Time zone of SUMMARY_TIME (IANA name).")
    alert_email: str | None = Field(
        None, description="Who is mailed when a Dagster run fails; nobody by default."
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs the links in mails; made on first start by default."
    )

    # Processes
    workers: int | None = Field(
        None, ge=1, description="Processes that clean a long history; by default one a core."
    )
    dask_scheduler: str | None = Field(
        None,
        pattern=r"^(tcp|tls)://[^\s/]+:\d+$",
        description="Dask scheduler, `tcp://host:port`, whose workers clean instead.",
    )
    batch_seconds: float = Field(
        60, ge=1, description="At most one batch load of new readings in this many seconds."
    )
    bridge_window: int = Field(
        1000, ge=1, le=10_000, description="Unacknowledged messages the bridge allows itself."
    )
    bridge_pack: BridgePack = Field(
        BridgePack.OFF,
        description="off, or catch-up: pack readings into weather/readings/batch while behind.",
    )
    bridge_pack_above: int = Field(
        1000, ge=1, description="Rows of backlog above which BRIDGE_PACK=catch-up packs."
    )
    fill_from: FillFrom = Field(
        FillFrom.LOG,
        description="Where consumers read what MQTT did not bring: log, or bridge (on hosts "
        "without the log).",
    )
    log_format: LogFormat = Field(LogFormat.TEXT, description="text, or json.")
    log_level: str = Field(
        "INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe line logged."
    )
    bind_address: str = Field(
        "127.0.0.1", description="Address that servers listen on; containers need 0.0.0.0."
    )
    metrics_port: int = Field(
        0, ge=0, le=65_535, description="Port of a process's /metrics and /healthz; 0 = any free."
    )
    dashboard_port: int = Field(8501, ge=1, le=65_535, description="Preferred dashboard port.")
    dagster_port: int = Field(3000, ge=1, le=65_535, description="Preferred Dagster port.")
    postgres_port: int = Field(54320, ge=1, le=65_535, description="Preferred database port.")
    mqtt_port: int = Field(1883, ge=1, le=65_535, description="Preferred broker port.")
    postgres_password: SecretStr | None = Field(
        None, description="Password of the database that citywx starts; random by default."
    )
    mqtt_password: SecretStr | None = Field(
        None, description="Password of the broker that citywx starts; random by default."
    )

    # Of the database's users in Compose: `citywx db roles` lets each log in that has one here
    postgres_poller_password: SecretStr | None = Field(
        None, description="Compose: password of the database's user citywx_poller."
    )
    postgres_recorder_password: SecretStr | None = Field(
        None, description="Compose: password of the database's user citywx_recorder."
    )
    postgres_notifier_password: SecretStr | None = Field(
        None, description="Compose: password of the database's user citywx_notifier."
    )
    postgres_dashboard_password: SecretStr | None = Field(
        None, description="Compose: password of the database's user citywx_dashboard_rw."
    )
    postgres_dagster_password: SecretStr | None = Field(
        None,
        description="Compose: password of the database's user citywx_dagster, the batch layer.",
    )

    # Of the broker's users in Compose; compose.yaml alone reads them, from the same `.env`
    mqtt_bridge_password: SecretStr | None = Field(
        None, description="Compose: password of the broker's user bridge."
    )
    mqtt_alerter_password: SecretStr | None = Field(
        None, description="Compose: password of the broker's user alerter."
    )
    mqtt_recorder_password: SecretStr | None = Field(
        None, description="Compose: password of the broker's user recorder."
    )
    mqtt_notifier_password: SecretStr | None = Field(
        None, description="Compose: password of the broker's user notifier."
    )
    mqtt_viewer_password: SecretStr | None = Field(
        None, description="Compose: password of the broker's user viewer, who may read everything."
    )

    @field_validator("mail_from", "alert_email")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            message = "must be one line without control characters"
            raise ValueError(message)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let `.env` also hold the secrets of notices, which are no settings."""
        del settings_cls, file_secret_settings
        if isinstance(dotenv_settings, DotEnvSettingsSource):
            prefix = NOTICE_PREFIX.lower()
            values = dotenv_settings.env_vars
            dotenv_settings.env_vars = {
                name: value for name, value in values.items() if not name.startswith(prefix)
            }
        return init_settings, env_settings, dotenv_settings

    @classmethod
    def load(cls) -> Self:
        """Read the environment and `.env`; ValidationError names each wrong setting."""
        return cls()


def raw_environment() -> dict[str, str]:
    """The environment and `.env` as they are, for processes that are to see the same settings.

    Settings have their names in upper case here, whichever way they were written; as in
    `Settings`, an empty one counts as absent.
    """
    environment = {}
    for name, value in (*dotenv_values(ENV_FILE).items(), *os.environ.items()):
        if name.lower() not in Settings.model_fields:
            environment[name] = value or ""
        elif value:
            environment[name.upper()] = value
    return environment


def notice_secrets() -> dict[str, str]:
    """The secrets of receivers of notices, by their names in the environment or in `.env`."""
    found = raw_environment()
    return {name: value for name, value in found.items() if name.startswith(NOTICE_PREFIX)}


def load_or_exit() -> Settings:
    """Read the settings for a process; on a mistake print one clear line each and exit with 2."""
    try:
        return Settings.load()
    except ValidationError as error:
        for mistake in error.errors(include_input=False, include_url=False):
            name = ".".join(str(part) for part in mistake["loc"][:1]).upper()
            reason = mistake["msg"].removeprefix("Value error, ")
            if mistake["type"] == "extra_forbidden":
                reason = "unknown setting in .env; docs/settings.md lists them all"
            print(f"citywx: setting {name}: {reason}", file=sys.stderr)  # noqa: T201 - before logging is set up
        raise SystemExit(USAGE_ERROR) from None
