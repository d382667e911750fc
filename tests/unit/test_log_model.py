"""Random sequences of what happens to the log's files and to a checkpoint, against a model.

As long as nothing is truncated or deleted every line comes once, in order, over all restarts from
a saved checkpoint. Damage to the checkpoint makes lines come again and never jumps ahead. After a
truncation or deletion every line that then stands in the log comes, and a warning says why.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from citywx.staging.lines import LineKind
from citywx.staging.position import Checkpoint, Position, load_checkpoint, save_checkpoint
from citywx.staging.tail import Tail
from tests.support.log_folder import HEADER, KEY_BYTES, LogFolder

SEQUENCES = int(os.environ.get("LOG_MODEL_SEQUENCES", "300"))
_SOUND = (LineKind.HEADER, LineKind.BLANK)


@pytest.fixture(autouse=True, scope="module")
def no_sync() -> Iterator[None]:
    """Nothing here loses power, and waiting for the disk would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


class Warnings(logging.Handler):
    """Counts what the tail warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self.count += 1


class LogModel(RuleBasedStateMachine):
    """A consumer of the log that may be killed at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.log = LogFolder(self.folder)
        self.checkpoint = self.folder / "state" / "bridge.json"
        self.tail = Tail(self.log.path)
        self.seen: list[bytes] = []
        """Names of the lines that the consumer has had, in order."""
        self.ends: list[tuple[Position, int, int]] = []
        """Where the lines of this life ended, how much had been seen then, and the log's age.

        The age is −1 where lines that were seen may stand behind the place.
        """
        self.saved: list[tuple[Checkpoint, list[bytes], int]] = []
        """Checkpoints that were saved, with what had been seen and the age of the log then."""
        self.age = 0
        """Truncations and deletions so far."""
        self.exact = True
        """Whether no line may come twice just now."""
        self.damaged = False
        self.warned_before: int | None = None
        """Warnings before a change that must be warned of."""
        self.warnings = Warnings()
        logging.getLogger("citywx.staging").addHandler(self.warnings)

    # What writers do

    @rule(
        count=st.integers(1, 4),
        padding=st.sampled_from((0, 0, 0, 9_000, 20_000, 70_000)),
        end=st.sampled_from((b"\n", b"\n", b"\r\n")),
    )
    def append(self, count: int, padding: int, end: bytes) -> None:
        self.log.append(count, padding, end)

    @rule(length=st.integers(0, 15))
    def append_half(self, length: int) -> None:
        self.log.append_half(length)

    @rule(data=st.sampled_from((b"\n", b"\r\n\n", b"  \n")))
    def append_blank(self, data: bytes) -> None:
        self.log.append_blank(data)

    @rule(count=st.integers(1, 3), rotate=st.booleans())
    def poll(self, count: int, rotate: bool) -> None:  # noqa: FBT001 - drawn
        self.log.append_as_poller(count, rotate=rotate)

    @precondition(lambda self: self.log.lines and self.log.path.exists())
    @rule()
    def rename(self) -> None:
        self.log.rename()

    @rule(count=st.integers(1, 3))
    def append_to_renamed(self, count: int) -> None:
        self.log.append_to_renamed(count)

    @rule(kind=st.sampled_from(("folder", "fifo", "symlink")))
    def block(self, kind: str) -> None:
        self.log.block(kind)

    @rule()
    def come_back(self) -> None:
        self.log.come_back()

    # What takes lines away

    @precondition(lambda self: self.log.path.is_file() and not self.log.blocked)
    @rule(kept=st.integers(0, 3), rewritten=st.integers(0, 6))
    def truncate(self, kept: int, rewritten: int) -> None:
        self._changed(self.log.truncate(kept))
        if rewritten:
            self.log.append(rewritten)

    @precondition(lambda self: self.log.path.is_file() and not self.log.blocked)
    @rule()
    def copy_and_truncate(self) -> None:
        self.log.copy_and_truncate()
        self._changed(0)

    @precondition(lambda self: self.log.path.is_file() and not self.log.blocked)
    @rule(created=st.integers(0, 3))
    def delete(self, created: int) -> None:
        self._changed(0)
        self.log.delete()
        if created:
            self.log.append(created)

    # What the consumer does

    @rule()
    def read(self) -> None:
        self._take()

    @rule()
    def settle(self) -> None:
        """Read to the end: then the consumer has had every line of the log."""
        if self.log.blocked:
            return
        quiet, reads = 0, 0
        while quiet < 3:
            quiet = 0 if self._take() else quiet + 1
            reads += 1
            assert reads < 500, "the same lines come again and again"
        missing = [name for name in self.log.names() if name not in self.seen]
        assert not missing, f"lost: {missing}"
        if self.warned_before is not None and self.log.path.exists():
            assert self.warnings.count > self.warned_before, "a truncation without a warning"
            self.warned_before = None
        # What was held of a deleted file may still come once another one has a line.
        self.exact = self.exact or bool(self.log.lines)

    @precondition(lambda self: self.ends)
    @rule(back=st.integers(0, 4))
    def save(self, back: int) -> None:
        position, seen, age = self.ends[-1 - min(back, len(self.ends) - 1)]
        checkpoint = self.tail.checkpoint(position)
        if checkpoint is not None:
            save_checkpoint(self.checkpoint, checkpoint)
            self.saved.append((checkpoint, self.seen[:seen], age))
            self.damaged = False

    @rule()
    def restart(self) -> None:
        self.tail.close()
        found = load_checkpoint(self.checkpoint)
        known = [saved for saved in reversed(self.saved) if saved[0] == found]
        assert found is None or known, f"a checkpoint that was never saved: {found}"
        if self.saved and not self.damaged:
            assert found == self.saved[-1][0]
        _, seen, age = known[0] if known else (None, [], self.age)
        self.seen = list(seen)
        self.exact = age == self.age
        self.ends.clear()
        self.warned_before = None
        self.tail = Tail(self.log.path, found)

    @precondition(lambda self: self.checkpoint.exists())
    @rule(
        how=st.sampled_from(("cut", "flip", "foreign", "newer", "gone", "read-only")),
        where=st.integers(0, 200),
        both=st.booleans(),
    )
    def damage(self, how: str, where: int, both: bool) -> None:  # noqa: FBT001 - drawn
        self.damaged = True
        previous = self.checkpoint.with_name(self.checkpoint.name + ".previous")
        for path in (self.checkpoint, previous) if both else (self.checkpoint,):
            if path.exists():
                damage_file(path, how, where)

    def teardown(self) -> None:
        try:
            self.log.come_back()
            self.settle()
        finally:
            logging.getLogger("citywx.staging").removeHandler(self.warnings)
            self.tail.close()
            shutil.rmtree(self.folder)

    def _take(self) -> bool:
        lines = self.tail.read()
        for line in lines:
            if line.kind in _SOUND:
                continue
            name = line.data[:KEY_BYTES]
            if self.exact:
                due = next((one for one in self.log.names() if one not in self.seen), None)
                assert name == due, f"{name!r} came, and {due!r} was due"
            self.seen.append(name)
            age = self.age if self.exact else -1
            self.ends.append((Position(line.segment, line.end), len(self.seen), age))
        return bool(lines)

    def _changed(self, size: int) -> None:
        """The newest file is, or will be, cut to that size."""
        held = self.tail._descriptor
        if held is not None and os.path.samestat(os.fstat(held), self.log.path.stat()):
            position = self.tail.position
            if position is not None and position.offset > max(size, len(HEADER)):
                self.warned_before = self.warnings.count
        self.age += 1
        self.exact = False


def damage_file(path: Path, how: str, where: int) -> None:
    """Spoil a checkpoint."""
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[: min(where, len(data) - 2)]
    elif how == "flip" and data:
        data[where % len(data)] ^= 1 << where % 8
    elif how == "foreign":
        data = bytearray(b'{"offset": 1000000, "segment": "000001-000000000000"}')
    elif how == "newer":
        data = bytearray(data.replace(b'"version": 1', b'"version": 2'))
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(data)
    if how == "read-only":
        path.chmod(0o400)


TestLogModel = LogModel.TestCase
TestLogModel.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=40,
    deadline=None,
    derandomize="LOG_MODEL_SEQUENCES" not in os.environ,  # the long form is there to search
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
