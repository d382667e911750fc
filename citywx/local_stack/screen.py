"""The screens of `citywx up` and `citywx status`: lines for people, passwords masked."""

from urllib.parse import urlsplit

from citywx.home import Home, HomeKind
from citywx.local_stack.plan import Plan
from citywx.local_stack.status import UP, StackStatus
from citywx.settings import Settings

_KINDS = {
    HomeKind.REAL: "real readings",
    HomeKind.SIMULATED: "SIMULATED weather: no reading in it is real",
    HomeKind.REPLAY: "a replayed file",
}


def masked(url: str) -> str:
    """The URL with its password replaced.

    >>> masked("mqtt://citywx:secret@127.0.0.1:1883")
    'mqtt://citywx:***@127.0.0.1:1883'
    """
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:***@{host}").geturl()


def ready_lines(settings: Settings, plan: Plan, *, detached: bool) -> list[str]:
    """What stands on the screen once everything is up."""
    home, addresses = plan.home, plan.addresses
    mails = masked(settings.smtp_url.get_secret_value()) if settings.smtp_url else f"{home.mail}/"
    return [
        "",
        f"citywx is ready. Home {home.name}: {_KINDS[home.kind]}.",
        "",
        f"  Dashboard   {addresses.dashboard}",
        f"  Dagster     {addresses.dagster}",
        f"  PostgreSQL  {masked(addresses.database)}",
        f"  MQTT        {masked(addresses.broker)}",
        f"  Mails to    {mails}",
        f"  Data in     {home.path}",
        f"  Logs in     {home.logs}",
        "",
        "  Passwords: citywx status --json.  Health: citywx status.",
        f"  Stop: {'citywx down' if detached else 'Ctrl-C here, or citywx down'}",
    ]


def not_ready_lines(status: StackStatus, home: Home) -> list[str]:
    """What stands on the screen when something did not come up in time."""
    late = [name for name, service in status.services.items() if service.state != UP]
    lines = ["", "Not everything has started; it is tried again for as long as this runs:"]
    for name in late:
        problem = status.services[name].problem or "is not up"
        lines.append(f"  {name}: {problem} (see {home.logs / name}.log)")
    return [*lines, "", "  Health: citywx status.  What this machine lacks: citywx doctor."]


def status_lines(status: StackStatus) -> list[str]:
    """The table of `citywx status`."""
    lines = [f"home {status.home} ({status.kind})"]
    if not status.running:
        return [*lines, "not running: start it with `make up`"]
    for name, service in status.services.items():
        shown = masked(service.url) if service.url else ""
        lines.append(f"  {name:<15} {service.state:<9} {service.problem or shown}".rstrip())
    return [*lines, "ready" if status.ready else "not ready"]
