"""What all commands of the command line share: settings, plain errors, options.

Modules are imported inside, so that `citywx --help` answers at once.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from citywx.settings import Settings

FAILED = 1
USAGE = 2

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def load_settings() -> "Settings":
    """The settings; a mistake in them is one line and exit code 2."""
    from citywx.settings import load_or_exit

    return load_or_exit()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors whose message explains them into one line on stderr and an exit code."""
    from citywx.errors import FAILURES, USAGE_MISTAKES

    try:
        yield
    except (*USAGE_MISTAKES, *FAILURES) as error:
        print(f"citywx: {error}", file=sys.stderr)
        code = USAGE if isinstance(error, USAGE_MISTAKES) else FAILED
        raise typer.Exit(code) from None
