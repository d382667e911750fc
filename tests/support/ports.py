"""Ports for test servers."""

import socket


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
