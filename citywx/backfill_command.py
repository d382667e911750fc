"""`citywx backfill`: checks what was asked for, and becomes the process that does it."""

import os
import sys
from typing import NoReturn

from citywx.backfill import BackfillRequest
from citywx.home import Home
from citywx.local_stack.stack_file import running_stack
from citywx.settings import Settings, raw_environment

_PROCESS = "streaming.history"


def become_backfill(settings: Settings, request: BackfillRequest) -> NoReturn:
    """Replace this process; its exit code is the command's. HomeError where there is no home.

    A pipeline that runs in the home lends its database, for the places of new cities.
    """
    environment = raw_environment()
    stack = running_stack(Home.find(settings))
    if stack is not None and settings.database_url is None:
        environment["DATABASE_URL"] = stack.urls["database"]
    command = [sys.executable, "-m", _PROCESS, request.to_json()]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own module, no shell
