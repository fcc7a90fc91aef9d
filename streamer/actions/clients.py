"""The boto3 clients of one environment."""

from collections.abc import Callable
from threading import Lock
from typing import Any


def make_client(service: str) -> Any:
    """Make a boto3 client that follows the standard AWS variables of the environment."""
    import boto3
    from botocore.config import Config

    # Links are signed with version 4 everywhere; for S3 botocore still has regions where it wouldn't.
    return boto3.client(service, config=Config(signature_version="s3v4") if service == "s3" else None)


class Clients:
    """Makes each client when it is first asked for, and keeps it. Thread-safe.

    Args:
        make: what makes one; another in tests and where the endpoints are not in the environment.
    """

    def __init__(self, make: Callable[[str], Any] = make_client) -> None:
        self._make = make
        self._made: dict[str, Any] = {}
        self._lock = Lock()  # boto3's default session is not safe for two threads that make clients

    def get(self, service: str) -> Any:
        """Return the client of `service`, by boto3's name for it."""
        client = self._made.get(service)
        if client is None:
            with self._lock:
                client = self._made.get(service)
                if client is None:
                    client = self._made[service] = self._make(service)
        return client
