"""An action is declared once, with everything that router and executor need."""

from typing import Any

import pytest

from streamer.actions import Action, ActionContext, Payload, action
from streamer.errors import InvalidMessage
from streamer.protocol.limits import MAX_SYNC_TIMEOUT_S, SYNC_THRESHOLD_S
from streamer.testing import make_context


class Count(Payload, frozen=True, kw_only=True):
    to: int


def declare(name: str = "count", **options: Any) -> Action:
    @action(name, payload=Count, **options)
    def count(payload: Count, context: ActionContext) -> list[int]:
        return list(range(payload.to))

    return count


def test_an_action_is_called_like_its_function() -> None:
    """A unit test of an action needs no router and no executor."""
    assert declare()(Count(to=3), make_context()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("estimate_s", "is_long"), [(0.0, False), (SYNC_THRESHOLD_S, False), (SYNC_THRESHOLD_S + 0.1, True)]
)
def test_the_estimate_decides_whether_a_request_is_queued(estimate_s: float, is_long: bool) -> None:
    """Longer than the threshold is long; the threshold itself is not."""
    assert declare(estimated_duration_s=estimate_s).is_long(Count(to=1)) is is_long


def test_the_estimate_may_depend_on_the_payload() -> None:
    """One action answers small requests at once and queues large ones."""
    counting = declare(estimated_duration_s=lambda payload: payload.to / 100)
    assert not counting.is_long(Count(to=500))
    assert counting.is_long(Count(to=501))
    assert counting.timeout_s == 840


def test_the_time_limit_is_the_most_that_the_kind_allows() -> None:
    """Without a limit of its own a short action has 25 s and a long one 14 minutes."""
    assert declare().timeout_s == MAX_SYNC_TIMEOUT_S
    assert declare(estimated_duration_s=60).timeout_s == 840


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": "x" * 129},
        {"estimated_duration_s": -1},
        {"timeout_s": 0},
        {"timeout_s": 26},
        {"timeout_s": 841, "estimated_duration_s": 60},
        {"timeout_s": 841, "estimated_duration_s": len},
        {"name": "cancel"},
    ],
    ids=str,
)
def test_a_contradiction_is_refused_when_it_is_declared(options: dict[str, Any]) -> None:
    """A wrong declaration fails at import, not at the first request."""
    with pytest.raises(ValueError, match=r"^An action|^Action count"):
        declare(**options)


def test_a_further_rule_refuses_a_payload() -> None:
    """A ValueError of `validate` is told to the client as any other misfit."""

    def even(payload: Count) -> None:
        if payload.to % 2:
            raise ValueError("to is even")

    counting = declare(validate=even)
    assert counting.parse({"to": 2}) == Count(to=2)
    with pytest.raises(InvalidMessage, match=r"^The payload of count does not fit: to is even\.$"):
        counting.parse({"to": 3})


def test_a_coroutine_function_is_an_action() -> None:
    """`async def` is declared in the same way."""

    @action("later", payload=Count)
    async def later(payload: Count, context: ActionContext) -> int:
        return payload.to

    assert later.is_async
    assert not declare().is_async
