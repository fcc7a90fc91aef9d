"""The funnel to DynamoDB: the only module of the package that knows botocore.

All I/O goes through `DynamoDB._call`; AWS's codes become typed errors by the tables below, never by a
message's text.
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

from streamer.dynamorm.codec import Item
from streamer.dynamorm.engine import Page
from streamer.dynamorm.errors import (
    AccessDenied,
    ConditionFailed,
    DynamormError,
    InvalidRequest,
    Reason,
    TableNotFound,
    Throttled,
    TransactionCancelled,
    TransactionConflict,
    Unavailable,
)
from streamer.dynamorm.requests import Delete, Get, Put, Query, Transaction, Update, Write
from streamer.dynamorm.schema import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ERRORS: Mapping[str, tuple[type[DynamormError], str]] = {
    "ResourceNotFoundException": (TableNotFound, "{table} does not exist; create it from its declaration"),
    "TransactionConflictException": (
        TransactionConflict,
        "A transaction is writing the same item; try again",
    ),
    "TransactionInProgressException": (TransactionConflict, "The same transaction is under way; try again"),
    "ProvisionedThroughputExceededException": (Throttled, "{table} is throttled; try again later"),
    "ThrottlingException": (Throttled, "{table} is throttled; try again later"),
    "RequestLimitExceeded": (Throttled, "The account's DynamoDB is throttled; try again later"),
    "InternalServerError": (Unavailable, "DynamoDB failed; try again"),
    "InternalFailure": (Unavailable, "DynamoDB failed; try again"),
    "ServiceUnavailable": (Unavailable, "DynamoDB does not answer for now; try again"),
    "ServiceUnavailableException": (Unavailable, "DynamoDB does not answer for now; try again"),
    "ValidationException": (InvalidRequest, "DynamoDB does not accept the request to {table}: {message}"),
    "ItemCollectionSizeLimitExceededException": (
        InvalidRequest,
        "An item collection of {table} is over 10 GB",
    ),
    "IdempotentParameterMismatchException": (
        InvalidRequest,
        "A transaction's token was used for another one",
    ),
    "AccessDeniedException": (AccessDenied, "The credentials may not do this with {table}; mend the role"),
    "UnrecognizedClientException": (AccessDenied, "AWS does not know the credentials; renew them"),
    "ExpiredTokenException": (AccessDenied, "The credentials have expired; renew them"),
}
"""AWS's codes. DynamoDB API reference, "Common errors" and each operation's."""

REASONS: Mapping[str, type[DynamormError]] = {
    "TransactionConflict": TransactionConflict,
    "ProvisionedThroughputExceeded": Throttled,
    "ThrottlingError": Throttled,
}
"""Codes of cancellation reasons after which the same transaction can succeed. API reference,
`TransactWriteItems`."""


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
        if self._table_names is None:
            return table.name
        name = self._table_names.get(table.name)
        if name is None:
            raise TableNotFound(f"No name is given for table {table.name}; add it to table_names.")
        return name

    def get(self, request: Get[Any]) -> Item | None:
        response = self._call(self._client.get_item, request.encode(self._name(request.table)))
        found: Item | None = response.get("Item")
        return found

    def write(self, request: Write) -> None:
        arguments = request.encode(self._name(request.table))
        match request:
            case Put():
                self._call(self._client.put_item, arguments)
            case Update():
                self._call(self._client.update_item, arguments)
            case Delete():
                self._call(self._client.delete_item, arguments)

    def update(self, request: Update[Any]) -> Item:
        arguments = request.encode(self._name(request.table))
        arguments["ReturnValues"] = "ALL_NEW"
        written: Item = self._call(self._client.update_item, arguments)["Attributes"]
        return written

    def query(self, request: Query[Any]) -> Page:
        response = self._call(self._client.query, request.encode(self._name(request.table)))
        return Page(response["Items"], response.get("LastEvaluatedKey"))

    def transact(self, request: Transaction) -> None:
        self._call(self._client.transact_write_items, request.encode(self._name))

    def _call(self, operation: Callable[..., Any], arguments: dict[str, Any]) -> Any:
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


def to_error(response: Mapping[str, Any], table: str) -> DynamormError:
    """Return the typed error of AWS's error response. Pure.

    Args:
        response: what botocore's `ClientError` carries.
        table: the table's name, for the sentence.
    """
    code = response["Error"].get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(f"A condition on an item of {table} did not hold.", item=response.get("Item"))
    if code == "TransactionCanceledException":
        return _to_cancellation(response)
    kind, sentence = ERRORS.get(code, (None, ""))
    if kind is None:
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        kind = Unavailable if status >= 500 else InvalidRequest
        sentence = f"DynamoDB answered {code or status}: {{message}}"
    return kind(sentence.format(table=table, message=response["Error"].get("Message", "")) + ".")


def _to_cancellation(response: Mapping[str, Any]) -> DynamormError:
    reasons = [
        Reason(reason.get("Code", "None"), reason.get("Item"))
        for reason in response.get("CancellationReasons", ())
    ]
    faults = {reason.code for reason in reasons} - {"None"}
    if faults and faults <= REASONS.keys():
        return REASONS[min(faults)]("The transaction met another writer or a limit; try again.")
    described = ", ".join(
        f"action {position} {reason.code}" for position, reason in enumerate(reasons) if reason.code != "None"
    )
    return TransactionCancelled(
        f"The transaction was cancelled and nothing written: {described or 'no reason given'}.",
        reasons=reasons,
    )
