"""Which port a server takes: the one it prefers, else the next one that is free."""

import socket
from collections.abc import Iterable

_TRIES = 100


class NoFreePortError(Exception):
    """Neither the preferred port nor the ones after it are free."""


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(preferred: int, *, taken: Iterable[int] = (), address: str = "127.0.0.1") -> int:
    """The preferred port if it is free and not `taken`, else the next one that is."""
    avoid = set(taken)
    for port in range(preferred, min(preferred + _TRIES, 65_536)):
        if port not in avoid and is_free(port, address):
            return port
    message = f"no free port from {preferred} on: set another one (citywx doctor lists them)"
    raise NoFreePortError(message)


def any_free_port(address: str = "127.0.0.1") -> int:
    """A port that the system picks."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
