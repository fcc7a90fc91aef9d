"""Whatever an action raises or returns, its client gets one answer and the process lives on."""

import asyncio
import logging
import math
import sys
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from streamer.actions import Action, ActionContext, action
from streamer.actions import running as running_module
from streamer.actions.links import MAX_RESULT_DEPTH
from streamer.actions.running import ActionRunner
from streamer.errors import ActionFailed, ProcessingFailed, StreamerError
from streamer.testing import make_context


@pytest.fixture(autouse=True)
def _no_loop_left() -> Iterator[None]:
    yield
    running_module.close()


@pytest.fixture
def perform() -> Callable[[Callable[..., Any]], Any]:
    runner = ActionRunner(logging.getLogger("test"))

    def perform(function: Callable[..., Any]) -> Any:
        declared: Action = action("hostile", payload=dict[str, Any])(function)
        return runner.run(declared, {}, make_context(), limit_s=20)

    return perform


@pytest.mark.parametrize(
    "result",
    [
        {"a": "\ud800"},
        {"\ud800": 1},
        10**5000,
        {"a": [math.nan]},
        -math.inf,
    ],
    ids=["lone-surrogate", "lone-surrogate-as-key", "number-of-5000-digits", "nan", "infinity"],
)
def test_a_result_that_json_has_no_form_for_is_refused(result: Any, perform: Callable[..., Any]) -> None:
    """It is found where the action ends, not where a message is made of it, and never becomes null."""
    with pytest.raises(ProcessingFailed, match="cannot be written as JSON"):
        perform(lambda payload, context: result)


@pytest.mark.parametrize(
    "kind", [SystemExit, KeyboardInterrupt, GeneratorExit], ids=lambda kind: kind.__name__
)
def test_an_action_that_wants_to_end_the_process_has_failed(
    kind: type[BaseException], perform: Callable[..., Any]
) -> None:
    """`sys.exit` in a library is one failed request, not a crash of the environment with its retries."""

    def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise kind

    with pytest.raises(ProcessingFailed, match="failed unexpectedly"):
        perform(function)


def test_a_coroutine_that_wants_to_end_the_process_has_failed(perform: Callable[..., Any]) -> None:
    """The loop of the environment is there for the next one."""

    async def leave(payload: dict[str, Any], context: ActionContext) -> None:
        sys.exit(3)

    async def stay(payload: dict[str, Any], context: ActionContext) -> str:
        return "still here"

    with pytest.raises(ProcessingFailed, match="failed unexpectedly"):
        perform(leave)
    assert perform(stay) == "still here"


@pytest.mark.parametrize(
    ("message", "details"),
    [
        ("\ud800", None),
        ("m", {"a": object()}),
        ("m", {"a": "\ud800"}),
        ("m" * 200_000, None),
        ("m", {"a": "x" * 200_000}),
    ],
    ids=["surrogate", "details-no-json", "details-surrogate", "long-message", "large-details"],
)
def test_an_error_that_no_message_carries_is_told_without_its_words(
    message: str, details: dict[str, Any] | None, perform: Callable[..., Any]
) -> None:
    """The client still gets an outcome: what the action said is in the log."""

    def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise ActionFailed(message, code="OWN", details=details)

    with pytest.raises(StreamerError) as raised:
        perform(function)
    assert isinstance(raised.value, ProcessingFailed)
    assert "its log says why" in str(raised.value)


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"n": math.nan}, {"n": None}),
        ({1: 2}, {"1": 2}),
        ({"day": date(2024, 2, 29)}, {"day": "2024-02-29"}),
        ({"set": {3}}, {"set": [3]}),
    ],
    ids=["nan", "number-as-key", "date", "set"],
)
def test_the_details_of_an_error_become_plain_json(
    details: dict[Any, Any], told: dict[str, Any], perform: Callable[..., Any]
) -> None:
    """The action's own code reaches its client, whatever Python values it adds."""

    def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise ActionFailed("m", code="OWN", details=details)

    with pytest.raises(ActionFailed) as raised:
        perform(function)
    assert (raised.value.code, raised.value.details) == ("OWN", told)


def test_what_is_too_deep_is_refused_where_the_action_ends(perform: Callable[..., Any]) -> None:
    """Not where it is stored or sent, where each attempt would crash."""
    result: Any = 1
    for _ in range(MAX_RESULT_DEPTH + 1):
        result = [result]
    with pytest.raises(ProcessingFailed, match="cannot be written as JSON"):
        perform(lambda payload, context: result)
    assert perform(lambda payload, context: result[0]) == result[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"code": 404},
        {"code": ""},
        {"retry_after_s": -1.0},
        {"retry_after_s": math.inf},
        {"retry_after_s": "1"},
    ],
    ids=["number-as-code", "no-code", "negative-wait", "endless-wait", "text-as-wait"],
)
def test_an_error_that_no_client_can_read_is_told_in_other_words(
    fields: dict[str, Any], perform: Callable[..., Any]
) -> None:
    """A client passes over a message that is none of the protocol: it would wait for its outcome in vain."""

    def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise ActionFailed("m", **{"code": "OWN", "retryable": True, **fields})

    with pytest.raises(StreamerError) as raised:
        perform(function)
    assert isinstance(raised.value, ProcessingFailed)


def test_an_error_that_cannot_say_itself_is_told_in_other_words(perform: Callable[..., Any]) -> None:
    """A broken `__str__` is one failed request, not an executor that crashes in each attempt."""

    class Mute(ActionFailed):
        def __str__(self) -> str:
            raise AttributeError("no such field")

    def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise Mute("m", code="OWN")

    with pytest.raises(ProcessingFailed, match="fits no message"):
        perform(function)


def test_what_a_coroutine_leaves_behind_ends_no_loop(perform: Callable[..., Any]) -> None:
    """A task that exits after its action, as one that stops the loop, takes it from no other action."""
    left: list[asyncio.Task[None]] = []

    async def leave(payload: dict[str, Any], context: ActionContext) -> str:
        async def later() -> None:
            sys.exit(3)

        left.append(asyncio.create_task(later()))
        return "gone"

    async def stop(payload: dict[str, Any], context: ActionContext) -> str:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
        return "stopped"

    async def stay(payload: dict[str, Any], context: ActionContext) -> str:
        await asyncio.sleep(0)
        return "still here"

    assert perform(leave) == "gone"
    assert perform(stay) == "still here"
    assert isinstance(left.pop().exception(), SystemExit)
    assert perform(stop) == "stopped"
    assert perform(stay) == "still here"
