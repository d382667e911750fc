"""Tells Dagster that the stream's tables grew, so that its lineage shows them: rarely, by HTTP.

Reporting is a courtesy: when it fails that is logged once, and the stream goes on.
"""

import logging
from datetime import datetime

import requests

from citywx.weather.reading import format_timestamp
from streaming.background import Background

_EVERY_SECONDS = 30.0
_TIMEOUT = (2.0, 5.0)
_TABLES = ("live_readings", "alerts")


class ReportError(Exception):
    """Dagster did not take a report."""


class DagsterReport:
    """Collects counts and reports them as materializations of `live_readings` and `alerts`."""

    def __init__(self, dagster_url: str | None, every: float = _EVERY_SECONDS) -> None:
        """Without an address nothing is reported."""
        self._url = dagster_url.rstrip("/") if dagster_url else None
        self._every = every
        self._sent_at: float | None = None
        self._background = Background("reporting to Dagster", (ReportError,), logging.INFO)
        self._rows = dict.fromkeys(_TABLES, 0)
        self._taken = dict.fromkeys(_TABLES, 0)  # of them, how many Dagster knows
        self._newest: datetime | None = None

    def note(self, readings: int, alerts: int, newest: datetime | None) -> None:
        """Add what was written."""
        self._rows["live_readings"] += readings
        self._rows["alerts"] += alerts
        if newest is not None and (self._newest is None or newest > self._newest):
            self._newest = newest

    def send_if_due(self, now: float) -> None:
        """Report what grew, at most every 30 s, on a thread of its own."""
        if self._url is None or self._rows == self._taken or not self._background.idle:
            return
        if self._sent_at is not None and now - self._sent_at < self._every:
            return
        self._sent_at = now
        due = {table: rows for table, rows in self._rows.items() if rows != self._taken[table]}
        self._background.start(lambda: self._send(due))

    def stop(self) -> None:
        """Wait for a report on its way."""
        self._background.finish()

    def _send(self, due: dict[str, int]) -> None:
        for table, rows in due.items():
            metadata: dict[str, object] = {"rows": rows - self._taken[table]}
            if table == "live_readings" and self._newest is not None:
                metadata["last_timestamp"] = format_timestamp(self._newest)
            try:
                requests.post(
                    f"{self._url}/report_asset_materialization/{table}",
                    json={"metadata": metadata},
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                ).raise_for_status()
            except requests.RequestException as error:
                message = f"{self._url} does not take reports now ({type(error).__name__})"
                raise ReportError(message) from None
            self._taken[table] = rows
