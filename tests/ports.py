"""Ports for servers that are told theirs before they listen."""

import random
import socket
from contextlib import suppress

BELOW_EPHEMERAL = range(20_000, 32_000)
"""No system gives these to outgoing connections by itself, as it does those that follow."""


def free_port() -> int:
    """Return a port of loopback that is free, and that no connection of others takes meanwhile."""
    while True:
        port = random.choice(BELOW_EPHEMERAL)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
