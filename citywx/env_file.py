"""Writes an `.env` with random secrets for Compose: `citywx env`."""

import os
import secrets
from pathlib import Path

SECRETS = (
    "POSTGRES_PASSWORD",
    "POSTGRES_POLLER_PASSWORD",
    "POSTGRES_RECORDER_PASSWORD",
    "POSTGRES_NOTIFIER_PASSWORD",
    "POSTGRES_DASHBOARD_PASSWORD",
    "POSTGRES_DAGSTER_PASSWORD",
    "MQTT_BRIDGE_PASSWORD",
    "MQTT_ALERTER_PASSWORD",
    "MQTT_RECORDER_PASSWORD",
    "MQTT_NOTIFIER_PASSWORD",
    "MQTT_VIEWER_PASSWORD",
    "SECRET_KEY",
)
_BYTES = 32
_HEAD = """\
# Written by `citywx env`. Keep it to yourself; .env.example has every other setting.
"""


class EnvFileExistsError(Exception):
    """There is an `.env` already; it is never overwritten."""


def write_env_file(path: Path) -> None:
    """Write the file, for its owner's eyes alone; EnvFileExistsError when there is one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        message = f"{path} is there already, and stays as it is"
        raise EnvFileExistsError(message) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEAD)
        file.writelines(f"{name}={secrets.token_hex(_BYTES)}\n" for name in SECRETS)
