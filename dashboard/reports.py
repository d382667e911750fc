"""The data-quality report that the batch layer leaves in the data home."""

from pathlib import Path

from citywx.home import Home

PATH = "/reports/data-quality"
"""Where the dashboard serves it."""

JSON_PATH = PATH + ".json"
"""The same for machines."""

ABSENT = "The batch layer writes one after its first run, about a minute after `make up`."

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""No script, no frame, nothing from elsewhere: a report shows text from outside."""


def latest(home: Home) -> Path | None:
    """The newest report, or None before the first."""
    try:
        found = [path for path in home.reports.iterdir() if path.suffix == ".html"]
        return max(found, key=lambda path: path.stat().st_mtime, default=None)
    except FileNotFoundError:
        return None
