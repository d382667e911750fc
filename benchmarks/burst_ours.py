"""The ways in which a burst goes through our processes, and when each is over.

Delivered: the last row has come to `mosquitto_sub`. Decided on: the alerter has decided on the last
row, which sets off an alert. Recorded: every row is in `live_readings`, and the recorder's position
at the end of the log. Nobody but us has the last two.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.request import urlopen

from benchmarks.arrivals import subscribe
from benchmarks.contenders import probe
from benchmarks.database import Database
from benchmarks.rig import Rig
from benchmarks.rows import LAST_CITY
from citywx.settings import Settings
from streaming.messages import READINGS

CAN_PACK = "bridge_pack" in Settings.model_fields
PACKING = {"BRIDGE_PACK": "catch-up", "BRIDGE_PACK_ABOVE": "1000"}
_LONGEST_SECONDS = 600.0
Finish = Callable[[float, int], dict[str, float]]
"""Given when a burst began and its rows: waits for its end; rows a second and rows lost."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Which of our processes run, and what ends the burst."""

    name: str
    processes: tuple[str, ...]
    packed: bool = False
    listened_to: bool = False
    """`mosquitto_sub` listens to `weather/readings`, and its last receipt ends the burst."""
    beside_all: bool = False

    @contextmanager
    def begin(self, stage: Rig) -> Iterator[Finish]:
        """Start the processes and let them catch up with a few rows."""
        with ExitStack() as cleanup:
            if self.packed and CAN_PACK:
                stage.environment.update(PACKING)
            if "recorder" in self.processes:
                database = Database(stage)
                cleanup.callback(database.close)
                finish = self._begin_recording(stage, database)
            elif self.listened_to:
                finish = self._begin_delivering(stage)
            else:
                finish = self._begin_deciding(stage)
            yield finish

    def _begin_delivering(self, stage: Rig) -> Finish:
        arrivals = subscribe(stage, READINGS, stamped=False)
        stage.start(*self.processes)
        probe(stage, arrivals)
        if "alerter" not in self.processes:
            return arrivals.burst
        deciding = _deciding(stage)

        def finish(began: float, rows: int) -> dict[str, float]:
            return arrivals.burst(began, rows) | {"decided": deciding(began, rows)["rate"]}

        return finish

    def _begin_deciding(self, stage: Rig) -> Finish:
        stage.start(*self.processes)
        return _deciding(stage)

    def _begin_recording(self, stage: Rig, database: Database) -> Finish:
        stage.start(*self.processes)
        _append_until(stage, lambda: database.position() > 0, "the recorder records")
        if "alerter" in self.processes:
            _deciding(stage)

        def finish(began: float, rows: int) -> dict[str, float]:
            size = stage.log.stat().st_size
            stage.until(lambda: database.position() >= size, "all is recorded", _LONGEST_SECONDS)
            seconds = time.time() - began
            return {"rate": rows / seconds, "lost": float(rows - database.burst_rows())}

        return finish


VARIANTS = (
    Variant("delivered", ("bridge",), listened_to=True, beside_all=True),
    Variant("decided on", ("bridge", "alerter"), packed=True),
    Variant("recorded", ("bridge", "recorder"), packed=True),
    Variant("delivered, with the alerter", ("bridge", "alerter"), listened_to=True),
    Variant("recorded, with the alerter", ("bridge", "alerter", "recorder"), packed=True),
)


def _deciding(stage: Rig) -> Finish:
    """Append rows until the alerter decides; then how it is seen that it has on all of a burst."""
    alerts = stage.home / "alerts.ndjson"
    place = stage.home / "state" / "positions" / "alerter.json"
    _append_until(stage, lambda: alerts.exists() and alerts.stat().st_size > 0, "an alert fires")
    time.sleep(0.5)
    before = _seen(stage)

    def decided() -> bool:
        return LAST_CITY.encode() in alerts.read_bytes()

    def at_end() -> bool:
        saved = json.loads(place.read_bytes())["offset"] if place.exists() else 0
        return bool(saved >= stage.log.stat().st_size)

    def finish(began: float, rows: int) -> dict[str, float]:
        stage.until(decided, "the last row's alert fires", _LONGEST_SECONDS)
        stage.until(at_end, "the alerter's position is at the end of the log")
        event = json.loads(alerts.read_bytes().splitlines()[-1])
        seconds = datetime.fromisoformat(event["decided_at"]).timestamp() - began
        after = _seen(stage)
        judged = after["citywx_alerter_readings_total"] - before["citywx_alerter_readings_total"]
        from_mqtt = 'citywx_consumer_seen_total{what="from_mqtt"}'
        by_mqtt = after.get(from_mqtt, 0.0) - before.get(from_mqtt, 0.0)
        return {"rate": rows / seconds, "lost": rows - judged, "by MQTT": 100 * by_mqtt / rows}

    return finish


def _append_until(stage: Rig, holds: Callable[[], bool], what: str) -> None:
    def holds_now() -> bool:
        stage.write(2, 20)
        return holds()

    stage.until(holds_now, what)


def _seen(stage: Rig) -> dict[str, float]:
    """The alerter's own metrics."""
    about = json.loads((stage.home / "run" / "alerter.json").read_bytes())
    address = f"http://127.0.0.1:{about['metrics_port']}/metrics"
    with urlopen(address, timeout=5) as answer:
        text = answer.read().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}
