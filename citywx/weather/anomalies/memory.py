"""A memory's numbers as text: exactly, and much shorter than as a list."""

import base64
import binascii
import struct
from collections.abc import Sequence

_BYTES = 8


def pack(numbers: Sequence[float]) -> str:
    """Little-endian doubles in base64.

    >>> unpack(pack([1.5, -2.0]))
    [1.5, -2.0]
    """
    return base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()


def unpack(text: object) -> list[float]:
    """What was packed; ValueError for anything else."""
    if not isinstance(text, str):
        message = "a memory is a text"
        raise ValueError(message)  # noqa: TRY004 - what `restore` promises
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        message = f"not a memory: {error}"
        raise ValueError(message) from None
    if len(content) % _BYTES:
        message = "a memory is cut off"
        raise ValueError(message)
    return list(struct.unpack(f"<{len(content) // _BYTES}d", content))
