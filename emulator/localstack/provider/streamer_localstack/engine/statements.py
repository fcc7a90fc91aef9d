"""PartiQL statements, which moto runs: one that it cannot read is the caller's mistake."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.parsing import partiql

from .operation import Operation

_execute = DynamoDBBackend.execute_statement

_VALIDATION = "ValidationError"
_CODES: Mapping[str, str] = {"ValidationException": _VALIDATION}
"""Codes of a batch's errors that are not the exception's name without its end. API reference,
`BatchStatementError`."""


def execute_statement(
    backend: DynamoDBBackend, statement: str, parameters: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Run one statement, wholly or not at all.

    Raises:
        MockValidationException: it cannot be read.
    """
    with Operation():
        return _readable(lambda: _execute(backend, statement, parameters))


def batch_execute_statement(
    backend: DynamoDBBackend, statements: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Run statements one by one; an error is told in the place of its statement, and the others run."""
    return [_one_of_batch(backend, statement) for statement in statements]


def _one_of_batch(backend: DynamoDBBackend, statement: Mapping[str, Any]) -> dict[str, Any]:
    text = statement["Statement"]
    try:
        table, problem = _readable(lambda: _look(backend, text))
        if problem is not None:
            return {"Error": {"Code": _VALIDATION, "Message": problem}, "TableName": table}
        items = backend.execute_statement(text, statement.get("Parameters") or [])
    except JsonRESTError as error:
        name = error.error_type.rpartition("#")[2]
        code = _CODES.get(name, name.removesuffix("Exception"))
        return {"Error": {"Code": code, "Message": error.message}}
    return {"TableName": table, **({"Item": items[0]} if items else {})}


def _look(backend: DynamoDBBackend, text: str) -> tuple[str, str | None]:
    """Return the table of a statement, and why it may not stand in a batch."""
    metadata = partiql.get_query_metadata(text)
    table = backend.get_table(metadata.get_table_names()[0].strip('"'))
    given = metadata.get_filter_names()
    if metadata.is_select_query() and not set(table.table_key_attrs) <= set(given):
        return table.name, (
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
        )
    return table.name, None


def _readable(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except JsonRESTError:
        raise
    except Exception as error:  # the parser has many ways to stumble
        raise MockValidationException("Statement wasn't well formed, can't be processed") from error
