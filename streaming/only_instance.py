"""One process a job: two alerters on one home would write every alert twice."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another process does this job in this home."""


@contextmanager
def only_instance(checkpoint_path: Path) -> Iterator[None]:
    """Hold the checkpoint's lock; AlreadyRunningError when another process has it."""
    checkpoint_path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{checkpoint_path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another process already works from {checkpoint_path}: stop it first"
            raise AlreadyRunningError(message) from None
        yield
    finally:
        os.close(lock)
