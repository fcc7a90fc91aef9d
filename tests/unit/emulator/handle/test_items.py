"""Items become plain rows."""

from typing import Any

import pytest

from emulator.errors import EmulatorError
from emulator.handle.items import find_table, row


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


def test_a_table_is_found_by_its_last_word() -> None:
    """`requests` is enough of `streamer-requests`."""
    assert find_table("requests", ["streamer-requests", "streamer-connections"]) == "streamer-requests"
    assert (
        find_table("streamer-requests", ["streamer-requests", "x-streamer-requests"]) == "streamer-requests"
    )


def test_an_unknown_table_names_those_that_there_are() -> None:
    """The error says what could be asked for."""
    with pytest.raises(EmulatorError, match="there are streamer-connections, streamer-requests"):
        find_table("nothing", ["streamer-requests", "streamer-connections"])
