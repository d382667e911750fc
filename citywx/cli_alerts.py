"""The commands `citywx alerts …`. What they do stands in what they call."""

import json
from pathlib import Path
from typing import Annotated

import typer

from citywx.cli_frame import Json, load_settings, plain_errors

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
