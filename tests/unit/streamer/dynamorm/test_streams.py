"""Stream records become typed changes."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    DecodingFailed,
    InvalidModel,
    KeyAttribute,
    KeyType,
    Model,
    Table,
    attribute,
)
from streamer.dynamorm.streams import Change, EventName, StreamReader

SHOP = Table("shop", KeyAttribute("pk"), KeyAttribute("sk"))


class Order(Model, table=SHOP, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    customer: Attribute[str]
    number: Attribute[str]
    total: Attribute[int]
    seal: Attribute[bytes | None] = attribute(default=None)
    seals: Attribute[frozenset[bytes]] = attribute(default=frozenset())
    parts: Attribute[list[dict[str, bytes]] | None] = attribute(default=None)


class Profile(Model, table=SHOP, partition="CUSTOMER#{customer}", sort="PROFILE"):
    customer: Attribute[str]
    name: Attribute[str]


class Anything(Model, table=SHOP):
    pk: Attribute[str]
    sk: Attribute[str]


ORDER = Order(
    customer="an#n", number="7", total=3, seal=b"\x00\xff", seals=frozenset({b"a"}), parts=[{"x": b"y"}]
)
KEYS = {"pk": {"S": "CUSTOMER#an%23n"}, "sk": {"S": "ORDER#7"}}


def as_lambda_has_it(value: Any) -> Any:
    """What JSON makes of an image: bytes are base64 text."""
    match value:
        case bytes():
            return b64encode(value).decode()
        case dict():
            return {name: as_lambda_has_it(inner) for name, inner in value.items()}
        case list():
            return [as_lambda_has_it(inner) for inner in value]
    return value


def record(event: str = "INSERT", *, keys: Any = None, **images: Any) -> dict[str, Any]:
    return {
        "eventID": "1",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_764_000_000.0,
            "Keys": keys or KEYS,
            "SequenceNumber": "100000000001",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/shop/stream/1",
    }


FORMS = {"as Lambda delivers it": as_lambda_has_it, "as boto3 returns it": lambda value: value}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_images_become_models(form: Any) -> None:
    """Both images, also what they hold of bytes, in whichever form they come."""
    old = ORDER.replace(total=1)
    told = form(record("MODIFY", NewImage=ORDER.to_item(), OldImage=old.to_item()))
    change = StreamReader(Order).read(json.loads(json.dumps(told)) if form is as_lambda_has_it else told)
    assert change == Change(
        event=EventName.MODIFY,
        key=Order.at(customer="an#n", number="7"),
        old=old,
        new=ORDER,
        sequence_number="100000000001",
        created_at=datetime(2025, 11, 24, 16, 0, tzinfo=UTC),
        expired=False,
    )


class Small(Model, table=SHOP, partition="PARCEL#{id}", sort="PARCEL", discriminator=("kind", "small")):
    id: Attribute[str]


class Large(Model, table=SHOP, partition="PARCEL#{id}", sort="PARCEL", discriminator=("kind", "large")):
    id: Attribute[str]


@pytest.mark.parametrize("kind", [Small, Large])
def test_kinds_that_only_an_attribute_tells_apart(kind: type[Small | Large]) -> None:
    """The discriminator in the image says which it is, also of an item that is gone."""
    item = kind(id="1").to_item()
    told = record("REMOVE", keys={name: item[name] for name in ("pk", "sk")}, OldImage=item)
    assert StreamReader[Small | Large](Small, Large).read(told).old == kind(id="1")


@pytest.mark.parametrize("models", [(Anything, Order, Profile), (Profile, Order, Anything)])
def test_an_item_is_of_the_kind_that_says_most_of_its_key(models: Any) -> None:
    """The order in which models are given does not matter."""
    reader = StreamReader[Model](*models)
    profile = Profile(customer="ann", name="Ann").to_item()
    other = {"pk": {"S": "CUSTOMER#ann"}, "sk": {"S": "ORDER#7#LINE#1"}}
    kinds = {
        "order": reader.read(record(NewImage=ORDER.to_item())),
        "profile": reader.read(record(keys={name: profile[name] for name in ("pk", "sk")}, NewImage=profile)),
        "other": reader.read(record(keys=other, NewImage=other)),
    }
    assert {name: change.key.model for name, change in kinds.items()} == {
        "order": Order,
        "profile": Profile,
        "other": Anything,
    }
    assert kinds["profile"].new == Profile(customer="ann", name="Ann")


def test_an_item_of_no_kind() -> None:
    """`find` returns None, `read` raises."""
    reader = StreamReader(Profile)
    assert reader.find(record(NewImage=ORDER.to_item())) is None
    with pytest.raises(DecodingFailed, match="none of the models"):
        reader.read(record(NewImage=ORDER.to_item()))


def test_an_image_that_does_not_fit() -> None:
    """The error is the one of any item that does not fit."""
    image = {**ORDER.to_item(), "total": {"S": "three"}}
    with pytest.raises(DecodingFailed, match="total"):
        StreamReader(Order).read(record(NewImage=image))


def test_images_that_the_view_leaves_out() -> None:
    """A stream of keys has no images; the key still says which item."""
    change = StreamReader(Order).read(record("REMOVE"))
    assert (change.old, change.new) == (None, None)
    assert change.key.values == KEYS


IDENTITIES: dict[str, tuple[Any, bool]] = {
    "TTL, as Lambda has it": ({"type": "Service", "principalId": "dynamodb.amazonaws.com"}, True),
    "TTL, as boto3 has it": ({"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, True),
    "nobody": (None, False),
    "another service": ({"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}, False),
}


@pytest.mark.parametrize(("identity", "expired"), IDENTITIES.values(), ids=IDENTITIES)
def test_who_deleted_an_item(identity: Any, *, expired: bool) -> None:
    """What TTL deleted is told from what somebody deleted."""
    told = record("REMOVE", OldImage=ORDER.to_item())
    if identity is not None:
        told["userIdentity"] = identity
    assert StreamReader(Order).read(told).expired is expired


def test_the_time_is_utc() -> None:
    """boto3 gives the local time of where it runs."""
    told = record(NewImage=ORDER.to_item())
    local = datetime(2025, 11, 24, 18, 0, tzinfo=timezone(timedelta(hours=2)))
    told["dynamodb"]["ApproximateCreationDateTime"] = local
    assert StreamReader(Order).read(told).created_at.isoformat() == "2025-11-24T16:00:00+00:00"


def test_models_of_several_tables_are_refused() -> None:
    """A stream is of one table."""

    class Elsewhere(Model, table=Table("elsewhere", KeyAttribute("pk", KeyType.NUMBER))):
        pk: Attribute[int]

    for models in ((), (Order, Elsewhere)):
        with pytest.raises(InvalidModel):
            StreamReader[Model](*models)
