"""Which programs make up the stack, and the environment that they all share."""

import sys
from pathlib import Path

from sqlalchemy import make_url

from citywx.home import Home
from citywx.local_stack.leftovers import MARK
from citywx.local_stack.plan import Plan, Ports
from citywx.local_stack.supervision import Program
from citywx.prepare import DAGSTER_DATABASE
from citywx.settings import Settings, raw_environment

PROJECT = Path(__file__).resolve().parents[2]
"""The folder with `dagster.yaml`, `workspace.yaml` and `dashboard/app.py`."""

_DAGSTER_STOP_SECONDS = 10  # it takes 3 s on an idle machine

STREAMING = ("poller", "bridge", "alerter", "recorder", "notifier")


def pipeline(settings: Settings, ports: Ports) -> list[Program]:
    """The programs that are ours and Dagster's; they need a database and a broker."""
    python = sys.executable
    address = settings.bind_address
    location = ("-m", "iot_assets.definitions", "--location-name", "citywx")
    code = (
        *("--host", "127.0.0.1", "--port", str(ports.dagster_code)),
        "--use-python-environment-entry-point",  # runs use this Python, not a `dagster` on PATH
    )
    web = ("--host", address, "--port", str(ports.dagster))
    dashboard = (
        *("--server.address", address, "--server.port", str(ports.dashboard)),
        *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
        *("--server.fileWatcherType", "none"),
    )
    workspace = ("-w", str(PROJECT / "workspace.yaml"))
    return [
        *(Program(name, (python, "-m", f"streaming.{name}")) for name in STREAMING),
        *(
            Program(name, (python, "-m", *command), stop_seconds=_DAGSTER_STOP_SECONDS)
            for name, command in (
                ("dagster-code", ("dagster", "code-server", "start", *location, *code)),
                ("dagster-webserver", ("dagster_webserver", *web, *workspace)),
                ("dagster-daemon", ("dagster._daemon", "run", *workspace)),
            )
        ),
        Program(
            "dashboard",
            (python, "-m", "streamlit", "run", str(PROJECT / "dashboard" / "app.py"), *dashboard),
        ),
    ]


def guard(home: Home, watched_pid: int | None) -> Program:
    """The program that ends the others when the supervisor is gone."""
    watched = () if watched_pid is None else (str(watched_pid),)
    command = (sys.executable, "-m", "citywx.local_stack.guard", str(home.path), *watched)
    return Program("guard", command, group="servers")


def environment(settings: Settings, plan: Plan) -> dict[str, str]:
    """The environment of every process: ours, with what was settled on the start in it."""
    home, addresses = plan.home, plan.addresses
    settled = {
        "HOME_NAME": home.name,
        "DATA_DIR": str(settings.data_dir.absolute()),
        "READINGS_CSV": str(home.readings_csv),
        "ALERT_RULES": str(_found(settings.alert_rules)),
        "ALERT_ROUTES": str(_found(settings.alert_routes)),
        "REPLAY_FILE": str(settings.replay_file.absolute()) if settings.replay_file else "",
        "WEATHER_SOURCE": plan.source.value,
        "DATABASE_URL": addresses.database,
        "MQTT_URL": addresses.broker,
        "MQTT_PROTOCOL": str(addresses.mqtt_protocol),
        "MQTT_CA_FILE": addresses.mqtt_ca_file or "",
        "DAGSTER_URL": addresses.dagster,
        "PUBLIC_URL": addresses.public,
        "SECRET_KEY": plan.passwords.secret_key,
        "METRICS_PORT": "0",
    }
    inherited = raw_environment()
    inherited.pop("PYTHONWARNINGS", None)  # supervisord's own server breaks under `error`
    return {
        **inherited,
        **settled,
        **dagster_environment(home, addresses.database, plan.ports.dagster_code),
        MARK: str(home.path),
        "PYTHONUNBUFFERED": "1",
    }


def dagster_environment(home: Home, database: str, code_port: int) -> dict[str, str]:
    """What Dagster's own processes need to find its records."""
    url = make_url(database)
    return {
        "DAGSTER_HOME": str(home.dagster),  # Dagster makes folders in it, so not the project's own
        "DAGSTER_STATE_DIR": str(home.dagster),
        "DAGSTER_POSTGRES_HOST": url.host or "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(url.port or 5432),
        "DAGSTER_POSTGRES_USER": url.username or "citywx",
        "DAGSTER_POSTGRES_PASSWORD": url.password or "",
        "DAGSTER_POSTGRES_DB": DAGSTER_DATABASE,
        "DAGSTER_CODE_HOST": "127.0.0.1",
        "DAGSTER_CODE_PORT": str(code_port),
    }


def _found(file: Path) -> Path:
    """A file of rules or routes: from the current folder, else the project's own."""
    here = file.absolute()
    return here if here.exists() or file.is_absolute() else PROJECT / file
