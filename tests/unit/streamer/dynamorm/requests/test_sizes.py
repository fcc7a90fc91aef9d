"""How large DynamoDB finds values."""

from typing import Any

import pytest

from streamer.dynamorm.requests.sizes import item_bytes, value_bytes

VALUES: dict[str, tuple[dict[str, Any], int]] = {
    "text": ({"S": "abc"}, 3),
    "UTF-8": ({"S": "ä𝄞"}, 6),
    "empty": ({"S": ""}, 0),
    "number": ({"N": "27"}, 2),
    "three digits": ({"N": "123"}, 3),
    "zeros don't count": ({"N": "1000000"}, 2),
    "nor in front": ({"N": "0.0012"}, 2),
    "minus": ({"N": "-27"}, 3),
    "exponent": ({"N": "1.5E+20"}, 2),
    "38 digits": ({"N": "1" * 38}, 20),
    "bytes": ({"B": b"abc"}, 3),
    "boolean": ({"BOOL": False}, 1),
    "null": ({"NULL": True}, 1),
    "texts": ({"SS": ["a", "bc"]}, 3),
    "numbers": ({"NS": ["1", "22"]}, 4),
    "binaries": ({"BS": [b"a", b"bc"]}, 3),
    "empty list": ({"L": []}, 3),
    "list": ({"L": [{"S": "ab"}, {"BOOL": True}]}, 3 + 2 + 1 + 2),
    "map": ({"M": {"key": {"S": "ab"}}}, 3 + 3 + 2 + 1),
}


@pytest.mark.parametrize(("value", "size"), VALUES.values(), ids=VALUES.keys())
def test_values(value: dict[str, Any], size: int) -> None:
    """Developer Guide, "DynamoDB item sizes and formats"."""
    assert value_bytes(value) == size


def test_names_count_too() -> None:
    """As UTF-8."""
    assert item_bytes({"pk": {"S": "abc"}, "größe": {"N": "1"}}) == 2 + 3 + 7 + 2
