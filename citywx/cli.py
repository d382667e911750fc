"""The command line. Each command is thin: what it does stands in the module that it calls.

Modules are imported inside the commands, so that `citywx --help` answers at once.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from citywx.cli_alerts import alerts
from citywx.cli_db import db
from citywx.cli_frame import FAILED, Json, Yes, load_settings, plain_errors
from citywx.cli_notices import notices

_DAY = "%Y-%m-%d"

app = typer.Typer(
    name="citywx",
    help="A real-time weather pipeline for cities.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
subscribers = typer.Typer(help="Who gets the daily mail.", no_args_is_help=True)
app.add_typer(subscribers, name="subscribers")
app.add_typer(db, name="db")
alerts.add_typer(notices)
app.add_typer(alerts, name="alerts")


@app.command()
def up(
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when ready; stop it with `citywx down`.")
    ] = False,
) -> None:
    """Start the whole pipeline on this machine and stay until Ctrl-C."""
    with plain_errors():
        from citywx.local_stack.foreground import run_up

        raise typer.Exit(run_up(load_settings(), detach=detach, say=_say))


@app.command()
def down() -> None:
    """Stop the pipeline; no process of it remains."""
    with plain_errors():
        from citywx.home import Home
        from citywx.local_stack.up import stop

        home = Home.find(load_settings())
        print("stopped" if stop(home, _say) else f"nothing runs in {home.path}")


@app.command()
def status(*, as_json: Json = False) -> None:
    """Show how each service is doing; exit code 0 only when all are up."""
    with plain_errors():
        from citywx.home import Home
        from citywx.local_stack.progress import read_progress
        from citywx.local_stack.screen import progress_lines, status_lines
        from citywx.local_stack.status import read_status

        settings = load_settings()
        home = Home.find(settings)
        found = read_status(home)
        progress = read_progress(settings, home, datetime.now(UTC))
        if as_json:
            print(json.dumps(found.as_json() | progress.as_json(), indent=2))
        else:
            print("\n".join([*status_lines(found), *progress_lines(progress)]))
        raise typer.Exit(0 if found.ready else FAILED)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A CSV file of readings.")], *, as_json: Json = False
) -> None:
    """Say what a reader of the log makes of a file: readings, rejected lines, unfinished tail."""
    with plain_errors():
        from citywx.inspection import inspect_file

        found = inspect_file(file, earliest=load_settings().history_start)
        if as_json:
            print(json.dumps(found.as_json(), indent=2))
            return
        print(f"{found.accepted} readings, {found.duplicates} duplicates")
        print(f"{len(found.rejected)} rejected lines")
        for offset, reason in found.rejected:
            print(f"  at byte {offset}: {reason}")
        if found.pending_tail:
            print("the last line is not finished; it is read once its line end is there")


@app.command()
def trace(
    city: Annotated[str | None, typer.Argument(help="A city; without it, all.")] = None,
    *,
    day: Annotated[
        datetime | None, typer.Option(formats=[_DAY], help="A UTC day; without it, any.")
    ] = None,
    flag: Annotated[str | None, typer.Option(help="Only readings with this quality flag.")] = None,
    most: Annotated[int, typer.Option(min=1, help="So many readings, the newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """Show cleaned readings, why they are doubted, and the lines of the log behind them."""
    with plain_errors():
        from citywx import trace_command
        from citywx.command_database import answering_database
        from citywx.home import Home
        from citywx.warehouse.trace import trace as find

        settings = load_settings()
        asked = trace_command.asked_for(city, day.date() if day else None, flag, most)
        database = answering_database(settings, application="trace")
        with database as engine, engine.connect() as connection:
            found = list(find(connection, asked))
        if as_json:
            print(json.dumps([trace_command.as_json(one) for one in found], indent=2))
            return
        log = Home.find(settings).readings_csv
        for one in found:
            print("\n".join(trace_command.lines_about(one, log)))
        if not found:
            print("no such reading")


@app.command()
def doctor() -> None:
    """Say what this machine lacks, and how to get it; exit code 0 when `up` can work here."""
    with plain_errors():
        from citywx.local_stack.doctor import examine, is_fit, report_lines

        findings = list(examine(load_settings()))
        print("\n".join(report_lines(findings)))
        raise typer.Exit(0 if is_fit(findings) else FAILED)


@app.command()
def reset(*, yes: Yes = False) -> None:
    """Delete a data home with all its readings, after asking."""
    with plain_errors():
        from citywx.home import Home
        from citywx.local_stack.reset import delete, what_is_deleted

        settings = load_settings()
        paths = what_is_deleted(settings, Home.find(settings))
        print("This deletes for good:")
        for path in paths:
            print(f"  {path}")
        if not yes:
            typer.confirm("Delete?", abort=True)
        delete(paths)
        print("deleted")


@app.command()
def env() -> None:
    """Write an .env with random passwords, for Compose; an existing one stays as it is."""
    with plain_errors():
        from citywx.env_file import write_env_file

        write_env_file(Path(".env"))
        print("wrote .env (readable by you alone); now: docker compose up -d")


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=[_DAY], help="First UTC day.")],
    last: Annotated[datetime, typer.Option("--to", formats=[_DAY], help="Last UTC day.")],
    source: Annotated[
        list[str] | None,
        typer.Option(help="open-meteo-archive (default), or .csv or .csv.gz files, one each time."),
    ] = None,
    city: Annotated[
        list[str] | None, typer.Option(help="Only this city, one each time; by default all.")
    ] = None,
) -> None:
    """Append years of history to the log; the same command goes on where it was stopped."""
    with plain_errors():
        from citywx.backfill import BackfillRequest
        from citywx.backfill_command import become_backfill

        become_backfill(load_settings(), BackfillRequest.of(first, last, source or [], city or []))


@subscribers.command("import")
def import_subscribers(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns email and cities.")],
    *,
    confirmed_elsewhere: Annotated[
        bool,
        typer.Option("--confirmed-elsewhere", help="They have agreed already: ask none again."),
    ] = False,
) -> None:
    """Add subscribers from a CSV file; each is mailed a link to confirm."""
    with plain_errors():
        from citywx.subscribers_command import import_file

        result = import_file(
            load_settings(),
            file,
            confirmed_elsewhere=confirmed_elsewhere,
            now=datetime.now(UTC),
        )
        print(f"{result.added} added, {result.known} known already")
        print(f"{len(result.rejected)} rejected lines")
        for line, reason in result.rejected:
            print(f"  line {line}: {reason}")


@subscribers.command("export")
def export_subscribers() -> None:
    """Write all subscribers as CSV to standard output."""
    with plain_errors():
        from citywx.subscribers_command import export_to_stdout

        export_to_stdout(load_settings())


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    app()
