"""The boto3 clients of one environment."""

from collections.abc import Callable
from threading import Lock
from typing import Any


class Clients:
    """Makes each client when it is first asked for, and keeps it. Thread-safe.

    Args:
        make: makes one, by the name of its service; called by one thread at a time.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._made: dict[str, Any] = {}
        self._lock = Lock()  # a session is not safe for two threads that make clients

    def get(self, service: str) -> Any:
        """Return the client of `service`, by boto3's name for it."""
        client = self._made.get(service)
        if client is None:
            with self._lock:
                client = self._made.get(service)
                if client is None:
                    client = self._made[service] = self._make(service)
        return client
