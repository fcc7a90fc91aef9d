"""Makes AWS clients that are cheap to start with and fail early, each once."""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.session import Session

from streamer.lambdas.item_parser import ItemParserFactory

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 10.0
"""Ours: no call of ours answers later. botocore's default is 60 s, longer than a message may take."""

TOTAL_ATTEMPTS = 3
"""Calls at most, the first included, with botocore's `standard` backoff (`legacy`, the default, has five)."""

MAX_POOL_CONNECTIONS = 16
"""Kept-alive connections per client: as many as there are threads that use one."""

_CONFIG = Config(
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    max_pool_connections=MAX_POOL_CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": TOTAL_ATTEMPTS},
)


_FURTHER = {
    # Links are signed with version 4 everywhere; for S3 botocore still has regions where it isn't.
    "s3": Config(signature_version="s3v4"),
    # DynamORM's requests have the right form, and DynamoDB looks too: botocore's own look costs as much
    # as the rest of writing a request.
    "dynamodb": Config(parameter_validation=False),
}


class Clients:
    """The clients of one environment: each is made when it is first asked for, and kept. Thread-safe.

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


def client_factory(session: Session) -> Callable[[str], Any]:
    """Return what makes clients on `session`, by boto3's names for services. Not thread-safe.

    They are botocore's clients, which boto3's are too; only S3's comes through boto3, which adds its
    transfer methods. Measured on Python 3.11: boto3's import and session cost 25 ms beyond botocore's,
    and botocore spends 10 ms of 40 on listing the folders of all services to see whether the one
    that is asked for exists; that list is replaced. Items are read by `item_parser`.
    """
    session.register_component("response_parser_factory", ItemParserFactory())
    names: set[str] = set()
    session.get_component("data_loader").list_available_services = lambda type_name: sorted(names)

    @cache
    def transferring() -> Any:
        import boto3

        return boto3.session.Session(botocore_session=session)

    def make(service: str) -> Any:
        names.add(service)
        config = _CONFIG.merge(further) if (further := _FURTHER.get(service)) else _CONFIG
        if service == "s3":
            return transferring().client("s3", config=config)
        return session.create_client(service, config=config)

    return make
