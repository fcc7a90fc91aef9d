"""The rules of stream records."""

from typing import Any

import pytest
from streamer_localstack.engine.records import attributes_bytes, is_change, record

ITEM = {"pk": {"S": "a"}}


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"Id": {"N": "101"}}, 5),
        ({"Message": {"S": "New item!"}, "Id": {"N": "101"}}, 21),
        ({"a": {"S": "é"}}, 3),
        ({"a": {"B": "Zm9vYmFy"}}, 7),
        ({"a": {"BOOL": True}, "b": {"NULL": True}}, 4),
        ({"a": {"N": "100"}}, 3),
        ({"a": {"N": "-1.25"}}, 4),
        ({"a": {"N": "0"}}, 2),
        ({"a": {"SS": ["x", "yz"]}}, 4),
        ({"a": {"NS": ["1", "22"]}}, 5),
        ({"a": {"BS": ["Zm9v"]}}, 4),
        ({"a": {"L": []}}, 4),
        ({"a": {"L": [{"S": "x"}, {"N": "1"}]}}, 4 + 1 + 1 + 1 + 2),
        ({"a": {"M": {"k": {"S": "x"}}}}, 4 + 1 + 1 + 1),
    ],
    ids=str,
)
def test_sizes_are_dynamodbs(attributes: dict[str, Any], size: int) -> None:
    """Names in UTF-8 and values by type, numbers by significant digits."""
    assert attributes_bytes(attributes) == size


def test_awss_documented_records_have_their_sizes() -> None:
    """The three records of the developer guide's example event: 26, 59 and 38 bytes."""
    keys = {"Id": {"N": "101"}}
    first = {"Message": {"S": "New item!"}, "Id": {"N": "101"}}
    second = {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}}
    sizes = [
        _record(keys=keys, old=old, new=new)["dynamodb"]["SizeBytes"]
        for old, new in [(None, first), (first, second), (second, None)]
    ]
    assert sizes == [26, 59, 38]


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (None, None, False),
        (None, ITEM, True),
        (ITEM, None, True),
        (ITEM, dict(ITEM), False),
        ({"n": {"N": "1"}}, {"n": {"N": "1.0"}}, False),
        ({"n": {"N": "1"}}, {"n": {"S": "1"}}, True),
        ({"n": {"N": "1"}}, {"n": {"N": "1"}, "m": {"NULL": True}}, True),
        ({"s": {"SS": ["a", "b"]}}, {"s": {"SS": ["b", "a"]}}, False),
        ({"s": {"NS": ["1", "2"]}}, {"s": {"NS": ["2.0", "1"]}}, False),
        ({"l": {"L": [{"S": "a"}, {"S": "b"}]}}, {"l": {"L": [{"S": "b"}, {"S": "a"}]}}, True),
        ({"m": {"M": {"x": {"N": "1"}}}}, {"m": {"M": {"x": {"N": "1.00"}}}}, False),
    ],
    ids=str,
)
def test_only_a_different_value_is_a_change(old: Any, new: Any, changed: bool) -> None:
    """Numbers compare by value, sets without order, lists with."""
    assert is_change(old, new) is changed


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_images_follow_the_view(view: str, images: set[str]) -> None:
    """Only what the view asks for."""
    change = _record(view=view, old=ITEM, new={**ITEM, "v": {"N": "1"}})["dynamodb"]
    assert {"NewImage", "OldImage"} & set(change) == images


def test_the_time_is_rounded_down_to_the_second() -> None:
    """A float of whole seconds."""
    assert (
        _record(new=ITEM, created_at=1_693_997_155.99)["dynamodb"]["ApproximateCreationDateTime"]
        == 1693997155.0
    )


def test_the_fields_are_in_awss_order() -> None:
    """Event consumers print records; they look as on AWS."""
    made = _record(old=ITEM, new={**ITEM, "v": {"N": "1"}})
    assert list(made) == ["eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb"]


def _record(*, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "event_id": "0" * 32,
        "region": "us-east-1",
        "view": "NEW_AND_OLD_IMAGES",
        "keys": ITEM,
        "created_at": 0.0,
    }
    return record(**{**facts, **more}, old=old, new=new)
