"""AWS's error responses become typed errors, by code and never by a message's text. Pure: no I/O."""

from collections.abc import Mapping
from typing import Any

from streamer.dynamorm.errors import (
    AccessDenied,
    ConditionFailed,
    DynamormError,
    InvalidRequest,
    OperationUnknown,
    Reason,
    TableBusy,
    TableNotFound,
    TemporaryFailure,
    Throttled,
    TransactionCancelled,
    TransactionConflict,
    Unavailable,
)

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
    "TableNotFoundException": (TableNotFound, "{table} does not exist; create it from its declaration"),
    "ResourceInUseException": (TableBusy, "{table} is being changed or exists already; look at it again"),
    "LimitExceededException": (
        TableBusy,
        "AWS's limit of tables, indexes or changes at once is met; wait, or ask AWS for more",
    ),
    "ContinuousBackupsUnavailableException": (
        TableBusy,
        "{table} is too new for point-in-time recovery; try again",
    ),
    "UnknownOperationException": (OperationUnknown, "What answers does not know the operation; use another"),
    "AccessDeniedException": (AccessDenied, "The credentials may not do this with {table}; mend the role"),
    "UnrecognizedClientException": (AccessDenied, "AWS does not know the credentials; renew them"),
    "ExpiredTokenException": (AccessDenied, "The credentials have expired; renew them"),
}
"""AWS's codes. DynamoDB API reference, "Common errors" and each operation's."""

REASONS: Mapping[str, type[TemporaryFailure]] = {
    "TransactionConflict": TransactionConflict,
    "ProvisionedThroughputExceeded": Throttled,
    "ThrottlingError": Throttled,
}
"""Codes of cancellation reasons after which the same transaction can succeed. API reference,
`TransactWriteItems`."""


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
    error = kind(sentence.format(table=table, message=response["Error"].get("Message", "")) + ".")
    if isinstance(error, TemporaryFailure):
        error.attempts = 1 + int(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
    return error


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
