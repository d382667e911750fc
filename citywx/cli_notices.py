"""The commands `citywx alerts …` about telling people. What they do stands in what they call."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from citywx.cli_frame import FAILED, Json, load_settings, plain_errors

notices = typer.Typer()

Author = Annotated[str | None, typer.Option(help="Who does this; by default your login name.")]
_MOMENT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@notices.command()
def silence(  # noqa: PLR0913 - one parameter an option
    *,
    rule: Annotated[str | None, typer.Option(help="Id of a rule, or a pattern.")] = None,
    city: Annotated[str | None, typer.Option(help="Name of a city, or a pattern.")] = None,
    severity: Annotated[
        str | None, typer.Option(help="The most serious alert to silence: info, warning, severe.")
    ] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_MOMENT, help="Or its end, in UTC.")
    ] = None,
    starts: Annotated[
        datetime | None, typer.Option("--from", formats=_MOMENT, help="In UTC; by default now.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for those who wonder.")],
    author: Author = None,
) -> None:
    """Tell nobody, for a time, of alerts that fit all that is given; they are still recorded."""
    with plain_errors():
        from citywx import alerts_command
        from citywx.notices.holds import Silence

        span = alerts_command.Span(_utc(starts) or datetime.now(UTC), lasts, _utc(until))
        number = alerts_command.silence(
            load_settings(), Silence(rule, city, severity), span, author=author, reason=reason
        )
        print(f"silence {number}")


@notices.command()
def unsilence(
    number: Annotated[int, typer.Argument(help="As `citywx alerts silences` lists.")],
) -> None:
    """End a silence before its time."""
    with plain_errors():
        from citywx import alerts_command

        alerts_command.end_silence(load_settings(), number, now=datetime.now(UTC))
        print(f"silence {number} has ended")


@notices.command()
def silences(
    *,
    ended: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    as_json: Json = False,
) -> None:
    """List the silences that hold now or later."""
    with plain_errors():
        from citywx import alerts_command

        found = alerts_command.list_silences(load_settings(), ended=ended, now=datetime.now(UTC))
        if as_json:
            print(json.dumps(found, ensure_ascii=False, indent=2))
            return
        for one in found:
            print(alerts_command.silence_line(one))
        if not found:
            print("no silences")


@notices.command()
def acknowledge(
    alert_id: Annotated[str, typer.Argument(help="As it stands in alerts and in webhooks.")],
    *,
    note: Annotated[str, typer.Option(help="What is done about it.")] = "",
    author: Author = None,
) -> None:
    """Say that somebody takes care: no more reminders of this alert, but still word of its end."""
    with plain_errors():
        from citywx import alerts_command

        fresh = alerts_command.acknowledge(
            load_settings(), alert_id, author=author, note=note, now=datetime.now(UTC)
        )
        print("acknowledged" if fresh else "was acknowledged already")


@notices.command("test-notice")
def try_receivers(
    receiver: Annotated[
        list[str] | None,
        typer.Option(help="Only this receiver, one each time; by default all but subscribers."),
    ] = None,
    *,
    seconds: Annotated[float, typer.Option(help="How long to wait for what comes of it.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Send a made-up notice to the receivers of the file, by the running notifier."""
    with plain_errors():
        from citywx import alerts_command

        found = alerts_command.try_receivers(
            load_settings(), receiver or [], seconds=seconds, now=datetime.now(UTC)
        )
        if as_json:
            print(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            for one in found:
                print(alerts_command.outcome_line(one))
        raise typer.Exit(0 if all(one["state"] == "sent" for one in found) else FAILED)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
