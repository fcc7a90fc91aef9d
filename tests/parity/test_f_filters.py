"""Rows F58 to F60: which records a mapping lets through."""

import json
from typing import Any

import pytest

from scripts.parity_harness.streams import keys

LAST = {"dynamodb": {"Keys": {"sk": {"S": ["last"]}}}}


def image(rule: Any) -> dict[str, Any]:
    """Return a pattern for the attribute `v`."""
    return {"dynamodb": {"NewImage": {"v": rule}}}


def criteria(*patterns: dict[str, Any]) -> dict[str, Any]:
    """Return what a mapping takes as its filters."""
    return {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}}


async def passing(parity: Any, stream: Any, pattern: dict[str, Any], items: dict[str, Any]) -> list[str]:
    """Write items, `v` by sort key, and return which of them a mapping with the filter delivers."""
    for sort_key, value in items.items():
        await stream.put(sort_key, **({"v": value} if value is not None else {}))
    await stream.put("last")
    await stream.map(**criteria(pattern, LAST), MaximumBatchingWindowInSeconds=1)
    delivered = keys((await stream.again()).event)
    assert delivered.pop() == "last"
    return delivered


WORDS = {"yes": {"S": "Hello"}, "no": {"S": "hullo"}}

OPERATORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "equals": ({"S": ["Hello"]}, WORDS),
    "or": ({"S": ["other", "Hello"]}, WORDS),
    "empty": ({"S": [""]}, {"yes": {"S": ""}, "no": {"S": " "}}),
    "null": ({"NULL": [True]}, {"yes": {"NULL": True}, "no": {"S": ""}}),
    "prefix": ({"S": [{"prefix": "He"}]}, WORDS),
    "suffix": ({"S": [{"suffix": "ello"}]}, WORDS),
    "equals-ignore-case": ({"S": [{"equals-ignore-case": "hELLO"}]}, WORDS),
    "anything-but": ({"S": [{"anything-but": ["hullo", "x"]}]}, WORDS),
    "exists": ({"S": [{"exists": True}]}, {"yes": {"S": "x"}, "no": {"N": "1"}}),
    "does not exist": ({"S": [{"exists": False}]}, {"yes": {"N": "1"}, "no": {"S": "x"}}),
    "number as text": ({"N": ["300"]}, {"yes": {"N": "300"}, "no": {"N": "301"}}),
    "text to the letter": ({"S": ["300"]}, {"yes": {"S": "300"}, "no": {"S": "300.0"}}),
}


@pytest.mark.row("F59")
@pytest.mark.parametrize("operator", OPERATORS)
async def test_operators(parity: Any, stream: Any, operator: str) -> None:
    """Each operator lets its value through and the other one not."""
    rule, items = OPERATORS[operator]
    assert await passing(parity, stream, image(rule), items) == ["yes"]


@pytest.mark.row("F59")
async def test_fields_are_and_and_filters_are_or(parity: Any, stream: Any) -> None:
    """All fields of a pattern must fit; `$or` needs one of its alternatives."""
    pattern = {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"$or": [{"v": {"S": ["a"]}}, {"w": {"S": ["b"]}}]}},
    }
    await stream.put("first", v={"S": "a"})
    await stream.put("second", w={"S": "b"})
    await stream.put("first", v={"S": "a"}, changed={"BOOL": True})
    assert await passing(parity, stream, pattern, {"third": {"S": "b"}}) == ["first", "second"]


@pytest.mark.row("F58")
@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ({"S": ["x"]}, ["text"]),
        (["x"], []),
        ({"N": [{"numeric": [">", 0]}]}, []),
        ({"N": [{"numeric": ["=", 5]}]}, []),
        ([{"exists": False}], ["text", "number", "none"]),
        ([{"exists": True}], []),
    ],
    ids=["with type", "without type", "numeric range", "numeric equals", "no leaf is absent", "nor there"],
)
async def test_filters_see_dynamodbs_types(parity: Any, stream: Any, rule: Any, passes: list[str]) -> None:
    """A pattern names the type; numbers are text; what is no leaf counts as not there."""
    items = {"text": {"S": "x"}, "number": {"N": "5"}, "none": None}
    assert await passing(parity, stream, image(rule), items) == passes


@pytest.mark.row("F58")
async def test_time_of_a_change_is_a_number(parity: Any, stream: Any) -> None:
    """Of a record's members the time can be compared as a number."""
    pattern = {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 1_000_000_000]}]}}
    assert await passing(parity, stream, pattern, {"any": None}) == ["any"]


@pytest.mark.row("F3.FilterCriteria")
async def test_one_of_five_filters_is_enough(parity: Any, stream: Any) -> None:
    """A record passes that fits any of five filters."""
    patterns = [image({"S": [letter]}) for letter in "abcd"]
    for letter in "abxcd":
        await stream.put(letter, v={"S": letter})
    await stream.put("last")
    await stream.map(**criteria(*patterns, LAST), MaximumBatchingWindowInSeconds=1)
    assert keys((await stream.again()).event) == ["a", "b", "c", "d", "last"]


@pytest.mark.row("F60")
async def test_records_that_do_not_pass_are_dropped_for_good(parity: Any, stream: Any) -> None:
    """They invoke nothing, and do not come when the filter is taken away: the checkpoint has moved on."""
    await stream.put("dropped")
    mapping_id = await stream.map(**criteria(image({"S": ["x"]})), BatchSize=1)
    await stream.put("passes", v={"S": "x"})
    assert keys(await parity.function("on-mapped").event()) == ["passes"]
    await stream.put("dropped too")
    await stream.put("passes too", v={"S": "x"})
    assert keys(await parity.function("on-mapped").event()) == ["passes too"]
    await stream.update(mapping_id, FilterCriteria={})
    await stream.put("unfiltered")
    assert keys(await parity.function("on-mapped").event()) == ["unfiltered"]
    assert parity.function("on-mapped").count == 3
