"""Pages of lists."""

from typing import Any

import pytest

from emulator.aws_api import ApiError
from emulator.aws_paging import page

ITEMS = [{"Name": name} for name in "abc"]


def of(items: list[dict[str, str]], **query: str) -> dict[str, Any]:
    return page("Items", items, {name: [value] for name, value in query.items()}, key="Name", most=2)


def test_pages_follow_each_other() -> None:
    """A page has what is asked for, its own limit at most, and leads to the next one."""
    first = of(ITEMS, MaxItems="50")
    assert first["Items"] == ITEMS[:2]
    assert of(ITEMS, Marker=first["NextMarker"]) == {"Items": ITEMS[2:]}


def test_items_that_go_meanwhile() -> None:
    """Who deletes what a page has, and goes on, misses nothing."""
    first = of(ITEMS, MaxItems="1")
    assert of(ITEMS[1:], Marker=first["NextMarker"])["Items"] == ITEMS[1:]


@pytest.mark.parametrize(
    "query",
    [{"Marker": "x"}, {"Marker": "Lw=="}, {"MaxItems": "0"}, {"MaxItems": "10001"}, {"MaxItems": "x"}],
)
def test_what_is_no_page(query: dict[str, str]) -> None:
    """A marker of another list and a number out of range are refused."""
    with pytest.raises(ApiError):
        of(ITEMS, **query)
