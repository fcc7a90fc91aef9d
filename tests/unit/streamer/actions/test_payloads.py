"""A payload that fits becomes a typed value; one that doesn't becomes one clear sentence."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pytest

from streamer.actions.payloads import Payload, describe, parse_payload
from streamer.errors import ErrorCode, InvalidMessage


class Booking(Payload, frozen=True, kw_only=True):
    day: date
    seats: int = 1
    tier: Literal["basic", "plus"] = "basic"

    def __post_init__(self) -> None:
        if self.seats > 9:
            raise ValueError("seats is at most 9; split the booking.")


class Tolerant(Payload, frozen=True, kw_only=True, forbid_unknown_fields=False):
    day: date


def parse(payload: dict[str, Any]) -> Any:
    return parse_payload("book", Booking, payload)


def test_a_fitting_payload_is_typed() -> None:
    """Fields get their declared types and defaults."""
    assert parse({"day": "2024-02-29"}) == Booking(day=date(2024, 2, 29), seats=1, tier="basic")


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({}, "day"),
        ({"day": "yesterday"}, "$.day"),
        ({"day": "2023-02-29"}, "$.day"),
        ({"day": "2024-01-01", "seats": "2"}, "$.seats"),
        ({"day": "2024-01-01", "seats": True}, "$.seats"),
        ({"day": "2024-01-01", "tier": "gold"}, "$.tier"),
        ({"day": "2024-01-01", "seat": 2}, "`seat`"),
    ],
    ids=["missing", "no date", "no such day", "text for a number", "true for a number", "choice", "unknown"],
)
def test_what_does_not_fit_is_named(payload: dict[str, Any], named: str) -> None:
    """The sentence names action and field, and says what the action takes."""
    with pytest.raises(InvalidMessage) as caught:
        parse(payload)
    sentence = str(caught.value)
    assert caught.value.code == ErrorCode.VALIDATION_ERROR
    assert sentence.startswith("The payload of book does not fit: ")
    assert named in sentence
    assert "it takes day (date as YYYY-MM-DD), seats? (whole number), tier? (basic or plus)." in sentence


def test_a_rule_of_the_payload_speaks_in_its_own_words() -> None:
    """A ValueError of `__post_init__` is the whole explanation."""
    with pytest.raises(InvalidMessage, match=r"^The payload of book does not fit: seats is at most 9; .*\.$"):
        parse({"day": "2024-01-01", "seats": 10})


class Careless(Payload, frozen=True, kw_only=True):
    seats: int | None = None

    def __post_init__(self) -> None:
        if self.seats < 1:  # type: ignore[operator]  # the mistake that this is about
            raise ValueError("seats is 1 or more.")


def test_a_rule_that_fails_itself_is_no_misfit() -> None:
    """A TypeError in `__post_init__` is a fault of the server: its words are not for clients."""
    with pytest.raises(TypeError):
        parse_payload("book", Careless, {})
    with pytest.raises(InvalidMessage, match="seats is 1 or more"):
        parse_payload("book", Careless, {"seats": 0})


def test_an_action_can_tolerate_unknown_fields() -> None:
    """Refusing unknown fields is the default and a choice of the payload's class."""
    assert parse_payload("book", Tolerant, {"day": "2024-01-01", "else": 1}) == Tolerant(day=date(2024, 1, 1))


def test_any_object_is_passed_as_it_is() -> None:
    """An action that declares `dict[str, Any]` gets what was sent."""
    payload = {"a": [1, {"b": None}], "": "x"}
    assert parse_payload("echo", dict[str, Any], payload) == payload


def test_a_payload_without_fields_says_so() -> None:
    """An action that takes nothing refuses a field in a sentence that is no riddle."""
    assert describe(Payload) == "it takes no fields"
    assert describe(dict[str, Any]) == "it takes an object"


def test_what_a_schema_says_beside_a_type_hides_no_type() -> None:
    """A field with a description is told by its type, one with choices by these."""

    class Annotations(Payload, frozen=True, kw_only=True):
        seats: Annotated[int, msgspec.Meta(ge=1, description="How many.")]
        tier: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["basic", "plus"]})]

    assert describe(Annotations) == "it takes seats (whole number), tier (basic or plus)"
