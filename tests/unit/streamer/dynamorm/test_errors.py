"""AWS's codes become typed errors; conflicts are tried again."""

from typing import Any

import pytest

from streamer.dynamorm import (
    AccessDenied,
    Attribute,
    Backoff,
    ConditionFailed,
    Database,
    InvalidRequest,
    KeyAttribute,
    Model,
    Put,
    Reason,
    Table,
    TableNotFound,
    Throttled,
    TransactionCancelled,
    TransactionConflict,
    Unavailable,
)
from streamer.dynamorm.engines.aws_errors import to_error
from streamer.dynamorm.memory import MemoryDynamoDB


def response(code: str, status: int = 400, **further: Any) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": "what AWS says"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **further,
    }


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ConditionalCheckFailedException", 400, ConditionFailed),
        ("ResourceNotFoundException", 400, TableNotFound),
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("TransactionConflictException", 400, TransactionConflict),
        ("ValidationException", 400, InvalidRequest),
        ("AccessDeniedException", 400, AccessDenied),
        ("InternalServerError", 500, Unavailable),
        ("SomethingNew", 503, Unavailable),
        ("SomethingNew", 400, InvalidRequest),
        ("502", 502, Unavailable),
    ],
)
def test_codes_are_told_apart(code: str, status: int, expected: type[Exception]) -> None:
    """By code and status, never by the text; the sentence names the table where that helps."""
    error = to_error(response(code, status), "live-orders")
    assert type(error) is expected
    assert "{" not in str(error)
    assert str(error).endswith(".")


def test_a_failed_condition_carries_the_item() -> None:
    """So that nobody needs to read it again."""
    error = to_error(response("ConditionalCheckFailedException", Item={"a": {"S": "b"}}), "t")
    assert isinstance(error, ConditionFailed)
    assert error.item == {"a": {"S": "b"}}


REASONS = {
    "condition": (["None", "ConditionalCheckFailed"], TransactionCancelled),
    "conflict": (["TransactionConflict", "None"], TransactionConflict),
    "condition and conflict": (["TransactionConflict", "ConditionalCheckFailed"], TransactionCancelled),
    "throttled": (["ThrottlingError"], Throttled),
    "invalid": (["ValidationError"], TransactionCancelled),
    "no reasons": ([], TransactionCancelled),
}


@pytest.mark.parametrize(("codes", "expected"), REASONS.values(), ids=REASONS.keys())
def test_cancellations_are_told_apart(codes: list[str], expected: type[Exception]) -> None:
    """Only what can succeed unchanged is a conflict; the reasons keep the order of the actions."""
    error = to_error(
        response("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes]), "t"
    )
    assert type(error) is expected
    if isinstance(error, TransactionCancelled):
        assert error.reasons == tuple(Reason(code) for code in codes)


THINGS = Table("things", KeyAttribute("id"))


class Thing(Model, table=THINGS):
    id: Attribute[str]


class Contended(MemoryDynamoDB):
    """Meets another transaction a number of times."""

    def __init__(self, conflicts: int) -> None:
        super().__init__()
        self.left = conflicts

    def write(self, request: Any) -> None:
        if self.left:
            self.left -= 1
            raise TransactionConflict("A transaction is writing the same item; try again.")
        super().write(request)


@pytest.mark.parametrize(("conflicts", "succeeds"), [(0, True), (2, True), (3, False)])
def test_conflicts_are_tried_again_within_bounds(conflicts: int, succeeds: bool) -> None:
    """With the waits of the backoff between, and an end."""
    waits: list[float] = []
    database = Database(
        Contended(conflicts),
        backoff=Backoff(attempts=3, base_s=0.1),
        sleep=waits.append,
        random_unit=lambda: 0.5,
    )
    if succeeds:
        database.write(Put(Thing(id="a")))
        assert database.get(Thing.at(id="a")) == Thing(id="a")
    else:
        with pytest.raises(TransactionConflict):
            database.write(Put(Thing(id="a")))
    assert waits == pytest.approx([0.05, 0.1][: min(conflicts, 2)])
