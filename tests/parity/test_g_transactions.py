"""Rows G4, G6 and G7: transactions."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts.parity_harness.tables import key, refused

INVALID = "ValidationException"
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons"
FAILED = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}


def put(table: Any, sk: str, **more: Any) -> dict[str, Any]:
    """Return the action that puts an item."""
    return {"Put": {"TableName": table.name, "Item": {**key(sk), **more.pop("item", {})}, **more}}


def add(table: Any, sk: str, amount: str = "1", **more: Any) -> dict[str, Any]:
    """Return the action that adds to an item's number."""
    return {
        "Update": {
            "TableName": table.name,
            "Key": key(sk),
            "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": amount}},
            **more,
        }
    }


def reasons(call: Callable[..., Any], **request: Any) -> tuple[str, list[dict[str, Any]]]:
    """Return the message and the reasons with which a transaction is cancelled."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    return response["Error"]["Message"], response["CancellationReasons"]


@pytest.mark.row("G4")
def test_transaction_has_100_items(table: Any) -> None:
    """100 items are written or read in one transaction; 101 are refused, and then none is."""
    names = [f"{number:03}" for number in range(101)]
    writes = [put(table, sk) for sk in names]
    reads = [{"Get": {"TableName": table.name, "Key": key(sk)}} for sk in names]
    table.dynamodb.transact_write_items(TransactItems=writes[:100])
    answers = table.dynamodb.transact_get_items(TransactItems=reads[:100])["Responses"]
    assert [answer["Item"] for answer in answers] == [key(sk) for sk in names[:100]]
    assert refused(table.dynamodb.transact_write_items, TransactItems=writes)[0] == INVALID
    assert refused(table.dynamodb.transact_get_items, TransactItems=reads)[0] == INVALID
    assert table.get("100") is None


@pytest.mark.row("G4")
def test_transaction_has_4_megabytes(table: Any) -> None:
    """The items of a transaction are 4 MB together."""
    writes = [put(table, str(number), item={"v": {"S": "x" * 400_000}}) for number in range(11)]
    assert refused(table.dynamodb.transact_write_items, TransactItems=writes)[0] == INVALID
    assert table.records() == []
    table.dynamodb.transact_write_items(TransactItems=writes[:10])
    assert table.get("9") is not None


@pytest.mark.row("G4")
@pytest.mark.parametrize("second", ["Put", "Update", "Delete", "ConditionCheck"])
def test_transaction_has_one_action_an_item(table: Any, second: str) -> None:
    """No two actions are on one item, not even a check beside a write."""
    about = {"TableName": table.name, "Key": key("a")}
    actions = {
        "Put": put(table, "a"),
        "Update": add(table, "a"),
        "Delete": {"Delete": about},
        "ConditionCheck": {"ConditionCheck": {**about, "ConditionExpression": "attribute_not_exists(pk)"}},
    }
    writes = [put(table, "a"), put(table, "b"), actions[second]]
    assert refused(table.dynamodb.transact_write_items, TransactItems=writes) == (
        INVALID,
        "Transaction request cannot include multiple operations on one item",
    )
    assert table.get("b") is None


@pytest.mark.row("G4")
def test_transaction_is_done_whole_or_not_at_all(table: Any) -> None:
    """Every kind of action is done, and none of them where one cannot be."""
    table.put("deleted", "checked")
    about = {"TableName": table.name}
    writes = [
        put(table, "put"),
        add(table, "updated"),
        {"Delete": {**about, "Key": key("deleted")}},
        {
            "ConditionCheck": {
                **about,
                "Key": key("checked"),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        },
    ]
    reasons(table.dynamodb.transact_write_items, TransactItems=writes)
    assert len(table.records()) == 2
    assert [table.get(sk) for sk in ("put", "updated", "deleted")] == [None, None, key("deleted")]
    writes[3]["ConditionCheck"]["ConditionExpression"] = "attribute_exists(pk)"
    table.dynamodb.transact_write_items(TransactItems=writes)
    assert sorted(record["eventName"] for record in table.records()[2:]) == ["INSERT", "INSERT", "REMOVE"]
    assert table.get("updated") == {**key("updated"), "n": {"N": "1"}}


@pytest.mark.row("G4")
async def test_token_makes_a_transaction_idempotent_for_ten_minutes(parity: Any, table: Any) -> None:
    """The same token does the same transaction once; with another it is a mismatch; after 10 minutes new."""
    transact = table.dynamodb.transact_write_items
    token = str(uuid.uuid4())
    for _ in range(3):
        transact(TransactItems=[add(table, "a")], ClientRequestToken=token)
    assert table.get("a") == {**key("a"), "n": {"N": "1"}}
    code, _ = refused(transact, TransactItems=[add(table, "a", "2")], ClientRequestToken=token)
    assert code == "IdempotentParameterMismatchException"
    await parity.advance(590)
    transact(TransactItems=[add(table, "a")], ClientRequestToken=token)
    assert table.get("a") == {**key("a"), "n": {"N": "1"}}
    await parity.advance(20)
    transact(TransactItems=[add(table, "a", "2")], ClientRequestToken=token)
    assert table.get("a") == {**key("a"), "n": {"N": "3"}}


@pytest.mark.row("G4")
def test_token_of_a_cancelled_transaction_can_be_used_again(table: Any) -> None:
    """A transaction that changed nothing may be tried again under its token."""
    token = str(uuid.uuid4())
    action = add(table, "a", ConditionExpression="attribute_exists(pk)")
    request = {"TransactItems": [action], "ClientRequestToken": token}
    reasons(table.dynamodb.transact_write_items, **request)
    table.put("a")
    table.dynamodb.transact_write_items(**request)
    assert table.get("a") == {**key("a"), "n": {"N": "1"}}


@pytest.mark.row("G6")
@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((True, False), [FAILED, {"Code": "None"}]),
        ((False, True), [{"Code": "None"}, FAILED]),
        ((True, True), [FAILED, FAILED]),
    ],
    ids=["first", "second", "both"],
)
def test_reasons_are_in_the_order_of_the_actions(table: Any, missing: Any, expected: Any) -> None:
    """The message and the list name a reason for each action, `None` for one that could have been done."""
    table.put(*(sk for sk, is_missing in zip("ab", missing, strict=True) if not is_missing))
    writes = [put(table, sk, ConditionExpression="attribute_exists(pk)") for sk in "ab"]
    message, found = reasons(table.dynamodb.transact_write_items, TransactItems=writes)
    codes = ", ".join(reason["Code"] for reason in expected)
    assert message == f"{CANCELLED} [{codes}]"
    assert found == expected


@pytest.mark.row("G6")
def test_reason_has_the_item_where_it_is_asked_for(table: Any) -> None:
    """`ReturnValuesOnConditionCheckFailure` of an action puts its item into its reason."""
    item = {**key("a"), "v": {"B": b"\x00\xff"}}
    table.put("a", v={"B": b"\x00\xff"})
    asked = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    writes = [put(table, "b"), put(table, "a", **asked)]
    _, found = reasons(table.dynamodb.transact_write_items, TransactItems=writes)
    assert found == [{"Code": "None"}, {**FAILED, "Item": item}]


@pytest.mark.row("G6")
def test_item_that_cannot_be_made_is_a_reason(table: Any) -> None:
    """What only the stored item shows to be wrong is a `ValidationError` among the reasons."""
    table.put("a", n={"S": "text"})
    writes = [put(table, "b"), add(table, "a")]
    message, found = reasons(table.dynamodb.transact_write_items, TransactItems=writes)
    assert message == f"{CANCELLED} [None, ValidationError]"
    assert [reason["Code"] for reason in found] == ["None", "ValidationError"]
    assert table.get("b") is None


@pytest.mark.gap("G7", reason="a write waits until the transaction is done; a fault makes them conflict")
def test_writes_wait_for_transactions(table: Any) -> None:
    """Writes and transactions on one item at the same time all succeed, and none is lost."""

    def write(_: int) -> None:
        table.dynamodb.update_item(**add(table, "a")["Update"])

    def transact(_: int) -> None:
        table.dynamodb.transact_write_items(TransactItems=[add(table, "a"), add(table, "b")])

    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(work, number) for number in range(40) for work in (write, transact)]
    for run in runs:
        run.result()
    assert table.get("a") == {**key("a"), "n": {"N": "80"}}
    assert table.get("b") == {**key("b"), "n": {"N": "40"}}


@pytest.mark.row("G7")
async def test_conflict_as_a_fault(sandbox: Any, parity: Any, table: Any) -> None:
    """Where a fault makes them conflict, the single write and the transaction fail as on AWS."""
    fault = await sandbox.add_fault(
        "fail-backend-call", service="dynamodb", code="TransactionConflictException", times=2
    )
    try:
        assert refused(table.dynamodb.put_item, TableName=table.name, Item=key("a")) == (
            "TransactionConflictException",
            "Transaction is ongoing for the item",
        )
        writes = [put(table, "a"), put(table, "b")]
        message, found = reasons(table.dynamodb.transact_write_items, TransactItems=writes)
    finally:
        await sandbox.remove_fault(fault)
    assert message == f"{CANCELLED} [TransactionConflict, None]"
    assert [reason["Code"] for reason in found] == ["TransactionConflict", "None"]
    assert table.records() == []
