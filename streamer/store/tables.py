"""How the stores reach their tables."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from streamer.clock import Clock
from streamer.dynamorm import Database, DynamormError, Engine
from streamer.errors import ServiceUnavailable
from streamer.settings import Settings
from streamer.store.models import CONNECTIONS, COUNTERS, RECORDS, REQUESTS, SUBSCRIPTIONS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

P = ParamSpec("P")
R = TypeVar("R")


def table_names(settings: Settings) -> Mapping[str, str]:
    """Return what the tables are called in the account, by the names of the models' tables."""
    return {
        REQUESTS.name: settings.requests_table,
        CONNECTIONS.name: settings.connections_table,
        SUBSCRIPTIONS.name: settings.subscriptions_table,
        COUNTERS.name: settings.counters_table,
        RECORDS.name: settings.records_table,
    }


def open_database(client: "DynamoDBClient | Engine", settings: Settings, clock: Clock) -> Database:
    """Return the tables of a deployment.

    Args:
        client: boto3's low-level client, or an engine in its place, such as `MemoryDynamoDB`.
    """
    if isinstance(client, Engine):
        return Database(client, now=clock.now)
    from streamer.dynamorm.aws import DynamoDB

    return Database(DynamoDB(client, table_names(settings)), now=clock.now)


class TableStore:
    """What every store stands on: the tables of a deployment, and the time."""

    def __init__(self, client: "DynamoDBClient | Engine", settings: Settings, clock: Clock) -> None:
        """Take a client.

        Args:
            client: boto3's low-level client, or an engine in its place, such as `MemoryDynamoDB`.
        """
        self._database: Database = open_database(client, settings, clock)
        self._clock = clock


def translated(method: Callable[P, R]) -> Callable[P, R]:
    """Let a store's method raise `ServiceUnavailable` where its tables do not answer for now.

    Other errors of the tables pass: they are faults of ours, and no client is told about them.
    """

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except DynamormError as error:
            if not error.retryable:
                raise
            raise ServiceUnavailable("The request store does not answer for now; try again later.") from error

    return call
