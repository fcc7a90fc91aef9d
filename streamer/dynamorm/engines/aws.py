"""The funnel to DynamoDB: the only module of the package that knows botocore.

All I/O goes through `call`; AWS's codes become typed errors by the tables of `aws_errors`.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.session import Session

from streamer.dynamorm.engines.aws_errors import to_error
from streamer.dynamorm.engines.engine import Page
from streamer.dynamorm.errors import AccessDenied, InvalidRequest, TableNotFound, Unavailable
from streamer.dynamorm.models.model import Key
from streamer.dynamorm.requests.batches import BatchAction, BatchGet, BatchGetAnswer, BatchWrite
from streamer.dynamorm.requests.items import Delete, Get, Put, Update, Write, place_of
from streamer.dynamorm.requests.queries import Query, Scan
from streamer.dynamorm.requests.transactions import Transaction, TransactionGet
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DEFAULT_ATTEMPTS = 3
"""botocore's for a client whose configuration names none, in its standard mode."""


class DynamoDB:
    """DynamoDB over boto3's low-level client. Safe to use from several threads, as the client is."""

    def __init__(self, client: "DynamoDBClient", table_names: Mapping[str, str] | None = None) -> None:
        """Take a client.

        Args:
            table_names: what the tables are called in the account, by the names of the models' tables;
                None: the same.
        """
        self._client = client
        self._table_names = table_names

    @classmethod
    def open(
        cls,
        table_names: Mapping[str, str] | None = None,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
    ) -> "DynamoDB":
        """Make the client too, by AWS's standard variables and files.

        It writes requests without botocore's look at their parameters, which takes as long as the rest of
        writing them: they have the right form as they are made, and DynamoDB looks too.

        Args:
            table_names: as for `DynamoDB`.
            config: botocore's further choices: timeouts, retries, connections that are kept.

        Raises:
            AccessDenied, InvalidRequest: as `open_client`.
        """
        chosen = Config(parameter_validation=False)
        client = open_client(
            region_name=region_name,
            endpoint_url=endpoint_url,
            config=chosen if config is None else chosen.merge(config),
        )
        return cls(client, table_names)

    def close(self) -> None:
        """Close the client's connections; it is of no use afterwards."""
        self._client.close()

    def _name(self, table: Table) -> str:
        return name_in_account(table, self._table_names)

    def get(self, request: Get[Any]) -> Item | None:
        response = call(self._client.get_item, request.encode(self._name(request.table)))
        found: Item | None = response.get("Item")
        return found

    def write(self, request: Write) -> Item | None:
        arguments = request.encode(self._name(request.table))
        match request:
            case Put():
                response = call(self._client.put_item, arguments)
            case Update():
                response = call(self._client.update_item, arguments)
            case Delete():
                response = call(self._client.delete_item, arguments)
        returned: Item | None = response.get("Attributes")
        return returned

    def query(self, request: Query[Any]) -> Page:
        return _page(call(self._client.query, request.encode(self._name(request.table))))

    def scan(self, request: Scan[Any]) -> Page:
        return _page(call(self._client.scan, request.encode(self._name(request.table))))

    def batch_get(self, request: BatchGet) -> BatchGetAnswer:
        response = call(self._client.batch_get_item, request.encode(self._name))
        found: dict[Hashable, Item] = {}
        left: set[Hashable] = set()
        for table in {key.model.__schema__.table for key in request.keys}:
            name = self._name(table)
            for item in response["Responses"].get(name, ()):
                found[table.name, place_of(table, item)] = item
            for values in response.get("UnprocessedKeys", {}).get(name, {}).get("Keys", ()):
                left.add((table.name, place_of(table, values)))
        places = [_place(key) for key in request.keys]
        unprocessed = (key for key, place in zip(request.keys, places, strict=True) if place in left)
        return BatchGetAnswer([found.get(place) for place in places], tuple(unprocessed))

    def batch_write(self, request: BatchWrite) -> tuple[BatchAction, ...]:
        response = call(self._client.batch_write_item, request.encode(self._name))
        unprocessed = response.get("UnprocessedItems")
        if not unprocessed:
            return ()
        tables = {self._name(action.table): action.table for action in request.requests}
        left = {
            (tables[name].name, place_of(tables[name], _written(write)))
            for name, writes in unprocessed.items()
            for write in writes
        }
        return tuple(action for action in request.requests if _place(action.key) in left)

    def transact(self, request: Transaction) -> None:
        call(self._client.transact_write_items, request.encode(self._name))

    def transact_get(self, request: TransactionGet) -> list[Item | None]:
        response = call(self._client.transact_get_items, request.encode(self._name))
        return [answer.get("Item") for answer in response["Responses"]]


def _page(response: Mapping[str, Any]) -> Page:
    items = response.get("Items", [])
    return Page(items, response.get("LastEvaluatedKey"), response.get("Count", len(items)))


def _place(key: Key[Any]) -> Hashable:
    table = key.model.__schema__.table
    return table.name, place_of(table, key.values)


def _written(write: Mapping[str, Any]) -> Item:
    """Return the item or the key of an unprocessed write."""
    values: Item = write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
    return values


def name_in_account(table: Table, table_names: Mapping[str, str] | None) -> str:
    """Return what a table is called in the account.

    Raises:
        TableNotFound: names are given, but none for this table.
    """
    if table_names is None:
        return table.name
    name = table_names.get(table.name)
    if name is None:
        raise TableNotFound(f"No name is given for table {table.name}; add it to table_names.")
    return name


def open_client(
    *, region_name: str | None = None, endpoint_url: str | None = None, config: Config | None = None
) -> "DynamoDBClient":
    """Make a client by AWS's standard variables and files.

    Raises:
        AccessDenied: the profile that they name is not there.
        InvalidRequest: they name no region, or the endpoint is no address.
    """
    try:
        client: Any = Session().create_client(
            "dynamodb", region_name=region_name, endpoint_url=endpoint_url, config=config
        )
    except NoRegionError as error:
        raise InvalidRequest(
            "No AWS region is named: set AWS_DEFAULT_REGION, such as us-east-1, or give a region_name."
        ) from error
    except ProfileNotFound as error:
        raise AccessDenied("AWS_PROFILE names no profile of ~/.aws/config: unset it, or add it.") from error
    except ValueError as error:
        raise InvalidRequest(
            f"The endpoint {endpoint_url!r} is no address: give one such as http://localhost:8000."
        ) from error
    return client  # type: ignore[no-any-return]


def call(operation: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call an operation of boto3's client; every failure becomes an error of `streamer.dynamorm.errors`."""
    try:
        return operation(**arguments)
    except ClientError as error:
        raise to_error(error.response, arguments.get("TableName", "A table")) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise AccessDenied("There are no AWS credentials; set them in the environment.") from error
    except ParamValidationError as error:
        raise InvalidRequest("The request does not have the form that DynamoDB takes.") from error
    except BotoCoreError as error:
        raise Unavailable(
            f"DynamoDB cannot be reached ({type(error).__name__}); see whether its endpoint is right.",
            attempts=_configured_attempts(operation),
        ) from error


def _configured_attempts(operation: Callable[..., Any]) -> int:
    """Return how often botocore has tried when it gives up a connection; it doesn't say so in its error."""
    client = getattr(operation, "__self__", None)
    retries = client.meta.config.retries if client is not None else None
    attempts: int = (retries or {}).get("total_max_attempts", DEFAULT_ATTEMPTS)
    return attempts
