"""The funnel to DynamoDB: the only module of the package that knows botocore.

All I/O goes through `call`; AWS's codes become typed errors by the tables of `aws_errors`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from streamer.dynamorm.aws_errors import to_error
from streamer.dynamorm.codec import Item
from streamer.dynamorm.engine import Page
from streamer.dynamorm.errors import AccessDenied, InvalidRequest, TableNotFound, Unavailable
from streamer.dynamorm.queries import Query
from streamer.dynamorm.requests import Delete, Get, Put, Update, Write
from streamer.dynamorm.schema import Table
from streamer.dynamorm.transactions import Transaction

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


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

    def _name(self, table: Table) -> str:
        return name_in_account(table, self._table_names)

    def get(self, request: Get[Any]) -> Item | None:
        response = call(self._client.get_item, request.encode(self._name(request.table)))
        found: Item | None = response.get("Item")
        return found

    def write(self, request: Write) -> None:
        arguments = request.encode(self._name(request.table))
        match request:
            case Put():
                call(self._client.put_item, arguments)
            case Update():
                call(self._client.update_item, arguments)
            case Delete():
                call(self._client.delete_item, arguments)

    def update(self, request: Update[Any]) -> Item:
        arguments = request.encode(self._name(request.table))
        arguments["ReturnValues"] = "ALL_NEW"
        written: Item = call(self._client.update_item, arguments)["Attributes"]
        return written

    def query(self, request: Query[Any]) -> Page:
        response = call(self._client.query, request.encode(self._name(request.table)))
        return Page(response["Items"], response.get("LastEvaluatedKey"))

    def transact(self, request: Transaction) -> None:
        call(self._client.transact_write_items, request.encode(self._name))


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
            f"DynamoDB cannot be reached ({type(error).__name__}); see whether its endpoint is right."
        ) from error
