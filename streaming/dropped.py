"""What the broker says it has dropped: an alarm, since a consumer then reads a gap from the log."""

import logging

from streaming.bridge_metrics import DROPPED as DROPPED_GAUGE

DROPPED = "$SYS/broker/publish/messages/dropped"

_log = logging.getLogger(__name__)


class DroppedWatch:
    """Follows Mosquitto's count, which begins with the broker's start."""

    def __init__(self) -> None:
        self._count: int | None = None

    def heard(self, payload: bytes) -> None:
        """Note the count; what was dropped before the first one is not this process's concern."""
        if not payload.isdigit():
            return
        count, before = int(payload), self._count
        if before is not None and count > before:
            _log.error(
                "the broker has dropped %d messages for a slow subscriber; consumers read them from"
                " the log",
                count - before,
            )
        self._count = count
        DROPPED_GAUGE.set(count)
