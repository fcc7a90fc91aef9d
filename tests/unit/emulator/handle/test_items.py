"""Items become plain rows."""

from typing import Any

import pytest

from emulator.handle.items import read, row


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"S": "a"}, "a"),
        ({"N": "12"}, 12),
        ({"N": "12.5"}, 12.5),
        ({"N": "1E+2"}, 100),
        ({"BOOL": True}, True),
        ({"NULL": True}, None),
        ({"B": b"\x00"}, b"\x00"),
        ({"SS": ["b", "a"]}, ["a", "b"]),
        ({"NS": ["2", "1.5"]}, [1.5, 2]),
        ({"L": [{"N": "1"}, {"M": {"x": {"N": "2"}}}]}, [1, {"x": 2}]),
    ],
)
def test_values_become_plain(value: dict[str, Any], plain: Any) -> None:
    """No Decimal, no Binary and no set is left, so that JSON and pandas take the row."""
    found = row({"a": value}, ["pk"])["a"]
    assert (found, type(found)) == (plain, type(plain))


def test_the_key_comes_first() -> None:
    """A row begins with its key, the rest is in alphabetical order."""
    item = {name: {"S": "x"} for name in ("z", "sk", "a", "pk")}
    assert list(row(item, ["pk", "sk"])) == ["pk", "sk", "a", "z"]


async def test_rows_are_in_the_order_of_their_keys() -> None:
    """Numbers go by their value, whether or not they are whole."""

    class Client:
        def describe_table(self, **_: Any) -> Any:
            return {"Table": {"KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}]}}

        def scan(self, **_: Any) -> Any:
            return {"Items": [{"at": {"N": number}} for number in ("2.5", "3", "1")]}

    assert await read(Client(), "table") == [{"at": 1}, {"at": 2.5}, {"at": 3}]
