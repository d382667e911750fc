"""Whether one service does its work: `python -m citywx.healthcheck SERVICE`, for containers.

Exit code 0 when it does; else 1, and the reason on stderr.
"""

import sys

from citywx.home import Home
from citywx.local_stack.probes import dagster_problem, dashboard_problem, process_problem
from citywx.settings import load_or_exit


def problem_of(service: str) -> str | None:
    """Why the service in this container is not well, or None."""
    settings = load_or_exit()
    if service == "dagster":
        return dagster_problem(f"http://127.0.0.1:{settings.dagster_port}")
    if service == "dashboard":
        return dashboard_problem(f"http://127.0.0.1:{settings.dashboard_port}")
    return process_problem(Home.find(settings).run / f"{service}.json")


if __name__ == "__main__":
    sys.exit(problem_of(sys.argv[1]))
