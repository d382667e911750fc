"""The commands `citywx db …`: schema, roles, backup. What they do stands in what they call."""

import json
from pathlib import Path
from typing import Annotated

import typer

from citywx.cli_frame import Json, Yes, load_settings, plain_errors

db = typer.Typer(help="Schema, roles and backups of the warehouse.", no_args_is_help=True)


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; `citywx up` does it by itself."""
    with plain_errors():
        from citywx.db_commands import upgrade_schema

        print(upgrade_schema(load_settings()))


@db.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="An older revision, such as 0003.")],
    *,
    yes: Yes = False,
) -> None:
    """Take the schema back; what only newer revisions can hold is lost."""
    with plain_errors():
        from citywx.db_commands import downgrade_schema

        settings = load_settings()
        if not yes:
            typer.confirm(f"Go back to {revision}, and lose what it cannot hold?", abort=True)
        print(downgrade_schema(settings, revision))


@db.command()
def current(*, as_json: Json = False) -> None:
    """Show the schema's revision, the one that is needed, and the roles that exist."""
    with plain_errors():
        from citywx.db_commands import schema_state

        found = schema_state(load_settings())
        if as_json:
            print(json.dumps(found))
        else:
            print(f"revision {found['revision']}, newest {found['newest']}")


@db.command()
def roles() -> None:
    """Create the roles of all processes, each with the rights it needs; needs CREATEROLE."""
    with plain_errors():
        from citywx.db_commands import make_roles

        print(make_roles(load_settings()))


@db.command()
def backup(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the whole warehouse to one file; the pipeline may run meanwhile."""
    with plain_errors():
        from citywx.db_commands import back_up_to

        print(back_up_to(load_settings(), file))


@db.command()
def restore(file: Annotated[Path, typer.Argument(help="A file of `citywx db backup`.")]) -> None:
    """Fill an empty database, the one that DATABASE_URL names, from a backup."""
    with plain_errors():
        from citywx.db_commands import restore_from

        print(restore_from(load_settings(), file))
