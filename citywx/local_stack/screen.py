"""The screens of `citywx up` and `citywx status`: lines for people, passwords masked."""

from datetime import timedelta
from urllib.parse import urlsplit

from citywx.home import Home, HomeKind
from citywx.local_stack.plan import Plan
from citywx.local_stack.progress import Progress
from citywx.local_stack.status import PROGRAM_OF, UP, StackStatus
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
        lines.append(f"  {name}: {problem} (see {home.logs / PROGRAM_OF.get(name, name)}.log)")
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


def progress_lines(progress: Progress) -> list[str]:
    """How far the data is, below the table of `citywx status`."""
    newest = "no reading yet"
    if progress.newest_reading is not None and progress.newest_age is not None:
        newest = f"newest reading {progress.newest_reading:%Y-%m-%d %H:%M} UTC"
        newest += f", {_span(progress.newest_age)} ago"
    calls = (
        f"{budget.service}: {budget.calls_a_month:,} calls a month at these settings, "
        f"{budget.left_this_month:,} of {budget.per_month:,} left this month"
        for budget in progress.calls
    )
    missing = (
        f"city {entry!r} was not found: check its spelling, or write Name@latitude,longitude"
        for entry in progress.unresolved_cities
    )
    backlog = f"{progress.backlog_bytes:,} bytes of the log not published yet"
    return [newest, backlog, *calls, *missing]


def _span(age: timedelta) -> str:
    seconds = max(0, round(age.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
