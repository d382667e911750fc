"""What is settled before the first process starts: source, home, passwords, ports, addresses."""

from dataclasses import dataclass
from urllib.parse import quote

from pydantic import SecretStr

from citywx.home import Home, HomeKind
from citywx.local_stack import broker, postgres
from citywx.local_stack.passwords import Passwords, passwords_for
from citywx.local_stack.ports import any_free_port, free_port
from citywx.settings import Settings, WeatherSource
from citywx.source_choice import choose_source


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of each server of the stack."""

    database: int
    broker: int
    dagster: int
    dagster_code: int
    dashboard: int


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stack's servers are reached; those of database and broker hold passwords."""

    database: str
    broker: str
    mqtt_protocol: int
    mqtt_ca_file: str | None
    """Absolute, since the processes have a folder of their own."""
    dagster: str
    dashboard: str
    public: str
    """The dashboard's address in mails."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a start needs to know."""

    home: Home
    source: WeatherSource
    reason: str
    """Why this source, for people."""
    ports: Ports
    addresses: Addresses
    passwords: Passwords


def choose_home(settings: Settings) -> tuple[Home, WeatherSource, str]:
    """The home to start and its source, with the reason; HomeError when it holds another kind."""
    choice = choose_source(settings)
    name = settings.home_name or HomeKind.of(choice.source).value
    home = Home.named(settings, name)
    home.claim(settings, choice.source)
    return home, choice.source, choice.reason


def make_plan(settings: Settings, home: Home, source: WeatherSource, reason: str) -> Plan:
    """Settle passwords, ports and addresses; NoFreePortError."""
    passwords = passwords_for(settings, home)
    ports = _choose_ports(settings)
    dashboard = f"http://127.0.0.1:{ports.dashboard}"
    public_is_set = "public_url" in settings.model_fields_set
    addresses = Addresses(
        database=_secret(settings.database_url)
        or postgres.database_url(ports.database, passwords.postgres),
        broker=_secret(settings.mqtt_url) or _mqtt_url(ports.broker, passwords.mqtt),
        mqtt_protocol=settings.mqtt_protocol if settings.mqtt_url else broker.mqtt_protocol(),
        mqtt_ca_file=str(settings.mqtt_ca_file.absolute()) if settings.mqtt_ca_file else None,
        dagster=f"http://127.0.0.1:{ports.dagster}",
        dashboard=dashboard,
        public=settings.public_url if public_is_set else dashboard,
    )
    return Plan(home, source, reason, ports, addresses, passwords)


def _choose_ports(settings: Settings) -> Ports:
    database = free_port(settings.postgres_port)
    mqtt = free_port(settings.mqtt_port, taken=[database])
    address = settings.bind_address
    dagster = free_port(settings.dagster_port, taken=[database, mqtt], address=address)
    taken = [database, mqtt, dagster]
    dashboard = free_port(settings.dashboard_port, taken=taken, address=address)
    return Ports(database, mqtt, dagster, any_free_port(), dashboard)


def _mqtt_url(port: int, password: str) -> str:
    return f"mqtt://citywx:{quote(password, safe='')}@127.0.0.1:{port}"


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
