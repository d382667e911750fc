"""The passwords and keys of a home: made at random on the first start, unless settings give them.

They lie in files that only the owner reads, so that no log, command line or configuration file
needs to hold them.
"""

import secrets
from dataclasses import dataclass, field

from pydantic import SecretStr

from citywx.home import Home, write_private
from citywx.settings import Settings

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Passwords:
    """What the services of one home share."""

    postgres: str = field(repr=False)
    mqtt: str = field(repr=False)
    secret_key: str = field(repr=False)


def passwords_for(settings: Settings, home: Home) -> Passwords:
    """The home's passwords; a setting wins over the home's own one."""
    home.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Passwords(
        postgres=_given(settings.postgres_password) or _kept(home, "postgres_password"),
        mqtt=_given(settings.mqtt_password) or _kept(home, "mqtt_password"),
        secret_key=_given(settings.secret_key) or _kept(home, "secret_key"),
    )


def _given(setting: SecretStr | None) -> str | None:
    return setting.get_secret_value() if setting else None


def _kept(home: Home, name: str) -> str:
    path = home.secrets / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(_BYTES) + "\n")
    return path.read_text("utf-8").strip()
