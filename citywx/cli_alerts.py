"""The commands `citywx alerts …`. What they do stands in what they call."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from citywx.cli_frame import Json, load_settings, plain_errors

_DAY = "%Y-%m-%d"

alerts = typer.Typer(help="Alert rules: what they say and would do.", no_args_is_help=True)


@alerts.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="By default the file of ALERT_RULES.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Read a file of alert rules and list what it defines, or say what is wrong where."""
    with plain_errors():
        from citywx.alert_rules import check_rules, rules_text

        found = check_rules(file or load_settings().alert_rules)
        print(json.dumps(found, ensure_ascii=False) if as_json else rules_text(found))


@alerts.command()
def backtest(  # noqa: PLR0913 - an option each
    *,
    rule: Annotated[
        list[str] | None, typer.Option(help="Only this rule or pattern, one each time.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file of alert rules; by default that of ALERT_RULES.")
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=[_DAY], help="First UTC day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=[_DAY], help="Last UTC day.")
    ] = None,
    cities: Annotated[
        list[str] | None,
        typer.Option(help="Only this city, or those of a pattern such as Lon*; one each time."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="A .csv or .csv.gz file of readings instead of the database."),
    ] = None,
    propose: Annotated[
        float | None,
        typer.Option(min=0.01, help="Look for the level that gives so many alerts a city a month."),
    ] = None,
    newest: Annotated[int, typer.Option(min=0, help="So many alerts of each rule.")] = 5,
    as_json: Json = False,
) -> None:
    """Say how often alert rules would have fired on the history, how long, and how many notices."""
    with plain_errors():
        from citywx.alert_backtest import BacktestRequest, days
        from citywx.alert_backtest import backtest as run
        from citywx.alert_backtest_report import as_json as report_json
        from citywx.alert_backtest_report import as_text

        wanted = days(first, last, cities or [])
        request = BacktestRequest(tuple(rule or ()), file, data, wanted, propose)
        report = run(load_settings(), request)
        if as_json:
            print(json.dumps(report_json(report), ensure_ascii=False))
        else:
            print(as_text(report, newest=newest))
