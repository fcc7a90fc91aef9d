"""Row G11: time to live."""

from collections.abc import Callable
from typing import Any

import pytest

from scripts.parity_harness.tables import key

FIVE_YEARS_S = 5 * 365 * 86_400
IDENTITY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
ATTEMPTS = 5
"""How often an item is put until the deletion in the background does not come between two calls."""


@pytest.fixture
def expiring(table: Any) -> Any:
    """A table whose items expire by the attribute `expires`."""
    specification = {"Enabled": True, "AttributeName": "expires"}
    table.dynamodb.update_time_to_live(TableName=table.name, TimeToLiveSpecification=specification)
    return table


@pytest.fixture
def now(make_table: Any) -> int:
    """The target's time, epoch seconds: that of a record."""
    table = make_table("KEYS_ONLY")
    table.put("s")
    (record,) = table.records()
    return int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())


def any_of(attempts: Callable[[int], Any]) -> Any:
    """Return the first true answer of a few attempts."""
    return next((found for number in range(ATTEMPTS) if (found := attempts(number))), None)


@pytest.mark.row("G11")
async def test_item_is_deleted_once_its_time_has_come(parity: Any, expiring: Any, now: int) -> None:
    """Not before; and its deletion is in the stream as one by the service, unlike one by a client."""
    expiring.put("kept", expires={"N": str(now + 7200)})
    expiring.put("due", expires={"N": str(now + 3600)})
    await parity.advance(3500)
    assert expiring.get("due") is not None
    await parity.advance(200)
    await parity.eventually(lambda: expiring.get("due") is None)
    expiring.dynamodb.delete_item(TableName=expiring.name, Key=key("kept"))
    *_, by_service, by_client = expiring.records()
    assert (by_service["eventName"], by_service["userIdentity"]) == ("REMOVE", IDENTITY)
    assert by_service["dynamodb"]["Keys"] == key("due")
    assert by_service["dynamodb"]["OldImage"] == {**key("due"), "expires": {"N": str(now + 3600)}}
    assert by_client["eventName"] == "REMOVE"
    assert "userIdentity" not in by_client


@pytest.mark.row("G11")
def test_expired_item_can_be_read_until_it_is_deleted(expiring: Any, now: int) -> None:
    """Deletion is in the background: what expired is found by every read."""
    expired = {"N": str(now - 60)}

    def found(number: int) -> bool:
        sk = str(number)
        expiring.put(sk, expires=expired)
        item = expiring.get(sk)
        scanned = expiring.dynamodb.scan(TableName=expiring.name)["Items"]
        return item == {**key(sk), "expires": expired} and item in scanned

    assert any_of(found)


@pytest.mark.row("G11")
async def test_expired_item_can_be_updated_until_it_is_deleted(parity: Any, expiring: Any, now: int) -> None:
    """An update that gives it another time saves it."""

    def saved(number: int) -> str | None:
        sk = str(number)
        expiring.put(sk, expires={"N": str(now - 60)})
        answer = expiring.dynamodb.update_item(
            TableName=expiring.name,
            Key=key(sk),
            UpdateExpression="SET expires = :later",
            ExpressionAttributeValues={":later": {"N": str(now + 86_400)}},
            ReturnValues="ALL_OLD",
        )
        return sk if "Attributes" in answer else None

    sk = any_of(saved)
    assert sk is not None
    await deleted(parity, expiring, now)
    assert expiring.get(sk) is not None


async def deleted(parity: Any, expiring: Any, now: int) -> None:
    """Wait until the deletion in the background went over the whole table."""
    expiring.put("last", expires={"N": str(now - 60)})
    await parity.advance(1)
    await parity.eventually(lambda: expiring.get("last") is None)


@pytest.mark.row("G11")
async def test_what_does_not_expire(parity: Any, expiring: Any, now: int) -> None:
    """A time is epoch seconds in a top-level number, and not over five years ago; nothing else expires."""
    past = str(now - 60)
    kept: dict[str, dict[str, Any]] = {
        "future": {"expires": {"N": str(now + 86_400)}},
        "milliseconds": {"expires": {"N": past + "000"}},
        "text": {"expires": {"S": past}},
        "nested": {"expires": {"M": {"expires": {"N": past}}}},
        "set": {"expires": {"NS": [past]}},
        "without": {},
        "another name": {"expired": {"N": past}},
        "over five years": {"expires": {"N": str(now - FIVE_YEARS_S - 86_400)}},
        "zero": {"expires": {"N": "0"}},
    }
    gone: dict[str, dict[str, Any]] = {
        "past": {"expires": {"N": past}},
        "nearly five years": {"expires": {"N": str(now - FIVE_YEARS_S + 86_400)}},
    }
    for sk, attributes in {**kept, **gone}.items():
        expiring.put(sk, **attributes)
    await deleted(parity, expiring, now)
    items = expiring.dynamodb.scan(TableName=expiring.name)["Items"]
    assert {item["sk"]["S"] for item in items} == set(kept)


@pytest.mark.row("G11")
async def test_without_time_to_live_nothing_expires(parity: Any, table: Any, now: int) -> None:
    """The attribute means nothing until time to live is turned on for it."""
    table.put("before", expires={"N": str(now - 60)})
    await parity.advance(1)
    assert table.get("before") is not None
    specification = {"Enabled": True, "AttributeName": "expires"}
    table.dynamodb.update_time_to_live(TableName=table.name, TimeToLiveSpecification=specification)
    described = table.dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    await parity.advance(1)
    await parity.eventually(lambda: table.get("before") is None)
