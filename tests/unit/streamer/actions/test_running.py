"""Both forms of action run; the loop of `async def` lives as long as the environment."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from streamer.actions import Action, ActionContext, Link, RetryPolicy, action
from streamer.actions import running as running_module
from streamer.actions.running import ActionRunner, run
from streamer.errors import (
    ActionFailed,
    CancelRequested,
    ContinueLater,
    ProcessingFailed,
    StreamerError,
    Superseded,
    TimedOut,
)
from streamer.testing import make_context

CORRELATION: ContextVar[str] = ContextVar("CORRELATION", default="none")


@pytest.fixture(autouse=True)
def _no_loop_left() -> Iterator[None]:
    yield
    running_module.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "actions-loop"]


def declare(function: Callable[[dict[str, Any], ActionContext], Any], **options: Any) -> Action:
    return action("test", payload=dict[str, Any], **options)(function)


def test_a_plain_function_runs_in_the_calling_thread() -> None:
    """Its result comes back as plain JSON values and links."""
    link = Link(bucket="b", key="k")

    def function(payload: dict[str, Any], context: ActionContext) -> Any:
        return {"thread": threading.get_ident(), "items": (1, link), "$link": payload}

    result = run(declare(function), {"a": 1}, make_context())
    assert result == {"thread": threading.get_ident(), "items": [1, link], "$$link": {"a": 1}}


def test_coroutines_share_one_loop_from_whichever_thread_they_are_run() -> None:
    """What one invocation binds to the loop works in the next one."""

    async def function(payload: dict[str, Any], context: ActionContext) -> int:
        await asyncio.sleep(0)
        return id(asyncio.get_running_loop())

    later = declare(function)
    with ThreadPoolExecutor(1) as pool:
        loops = {run(later, {}, make_context()), pool.submit(run, later, {}, make_context()).result()}
    with ThreadPoolExecutor(1) as pool:
        loops.add(pool.submit(run, later, {}, make_context()).result())
    assert len(loops) == 1


def test_a_coroutine_sees_the_callers_context_variables() -> None:
    """What is bound for the logs of this invocation holds inside, and not in the next one."""

    async def function(payload: dict[str, Any], context: ActionContext) -> str:
        return CORRELATION.get()

    token = CORRELATION.set("first")
    assert run(declare(function), {}, make_context()) == "first"
    CORRELATION.reset(token)
    assert run(declare(function), {}, make_context()) == "none"


@pytest.mark.parametrize("error", [ActionFailed("No."), KeyError("x"), TimeoutError("its own")], ids=repr)
def test_what_a_coroutine_raises_arrives(error: Exception) -> None:
    """An error is the action's own, also a TimeoutError that isn't our limit."""

    async def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run(declare(function), {}, make_context())
    assert caught.value is error


@pytest.mark.parametrize(
    ("timeout_s", "remaining_s"), [(0.05, 900.0), (25.0, 0.05)], ids=["of the action", "of the invocation"]
)
def test_a_coroutine_is_cancelled_at_its_time_limit(timeout_s: float, remaining_s: float) -> None:
    """The smaller limit counts; the coroutine learns of it and can tidy up."""
    cancelled = threading.Event()

    async def function(payload: dict[str, Any], context: ActionContext) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    late = declare(function, timeout_s=timeout_s)
    with pytest.raises(TimedOut, match=r"^The action test did not end within 0\.05 s; "):
        run(late, {}, make_context(remaining_s=lambda: remaining_s))
    assert cancelled.is_set()


def test_a_coroutine_that_blocks_its_loop_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next coroutine gets another loop, and the blocked one's thread ends when it can."""
    monkeypatch.setattr(running_module, "CANCEL_GRACE_S", 1.0)
    go_on = threading.Event()
    blocked: list[threading.Thread] = []

    async def block(payload: dict[str, Any], context: ActionContext) -> None:
        blocked.append(threading.current_thread())
        go_on.wait(10)

    async def answer(payload: dict[str, Any], context: ActionContext) -> str:
        return "here"

    with pytest.raises(TimedOut):
        run(declare(block, timeout_s=0.05), {}, make_context())
    assert run(declare(answer), {}, make_context()) == "here"
    go_on.set()
    blocked[0].join(10)
    assert not blocked[0].is_alive()


def test_a_coroutine_that_cancels_itself_has_failed() -> None:
    """A CancelledError would pass by every `except Exception` above."""

    async def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise asyncio.CancelledError

    with pytest.raises(ProcessingFailed, match="cancelled itself"):
        run(declare(function), {}, make_context())


def test_a_result_without_json_form_has_failed() -> None:
    """It is told before anything is stored."""

    def function(payload: dict[str, Any], context: ActionContext) -> Any:
        return {"file": object()}

    with pytest.raises(ProcessingFailed, match="The result of test cannot be written as JSON"):
        run(declare(function), {}, make_context())


def test_a_result_that_is_nested_without_end_has_failed() -> None:
    """Depth is no way to take the function down."""
    nested: list[Any] = []
    nested.append(nested)

    def function(payload: dict[str, Any], context: ActionContext) -> Any:
        return nested

    with pytest.raises(ProcessingFailed, match="cannot be written as JSON"):
        run(declare(function), {}, make_context())


def test_a_timeout_of_the_actions_own_is_no_time_limit() -> None:
    """A socket that timed out inside an action is a failure of the action, not of its client's request."""

    def function(payload: dict[str, Any], context: ActionContext) -> Any:
        raise TimeoutError("a socket of the action's")

    runner = ActionRunner(logging.Logger("test"))
    with pytest.raises(ProcessingFailed, match="failed unexpectedly"):
        runner.run(declare(function), {}, make_context(), limit_s=10.0)


def test_an_action_that_is_late_is_left_behind() -> None:
    """Its caller is told at the limit, and the next action does not wait for it."""
    go_on = threading.Event()

    def block(payload: dict[str, Any], context: ActionContext) -> None:
        go_on.wait(10)

    def answer(payload: dict[str, Any], context: ActionContext) -> str:
        return "here"

    runner = ActionRunner(logging.Logger("test"))
    with pytest.raises(TimedOut, match=r"did not end within 0\.05 s"):
        runner.run(declare(block), {}, make_context(), limit_s=0.05)
    assert runner.run(declare(answer), {}, make_context(), limit_s=10.0) == "here"
    go_on.set()


@pytest.mark.parametrize(
    ("error", "retryable"), [(ConnectionResetError(), True), (KeyError(), False)], ids=repr
)
def test_the_policy_names_what_is_worth_another_attempt(error: Exception, retryable: bool) -> None:
    """An exception of a library counts as passing only where the action says so; its text stays here."""

    def function(payload: dict[str, Any], context: ActionContext) -> None:
        raise error

    declared = declare(function, retry=RetryPolicy(on=(ConnectionError,)))
    with pytest.raises(ProcessingFailed) as caught:
        ActionRunner(logging.getLogger("test")).run(declared, {}, make_context(), limit_s=20)
    assert caught.value.retryable is retryable
    assert not ProcessingFailed.retryable


def _in_a_group(*errors: Exception) -> Callable[..., Any]:
    """Return a function whose tasks fail with these."""

    async def function(payload: dict[str, Any], context: ActionContext) -> None:
        async def fail(error: Exception) -> None:
            raise error

        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
            outer.create_task(asyncio.sleep(3600))
            for error in errors:
                inner.create_task(fail(error))

    return function


@pytest.mark.parametrize(
    "error",
    [CancelRequested("c"), Superseded("s"), ContinueLater({"row": 3}), ActionFailed("a", code="OWN")],
    ids=lambda error: type(error).__name__,
)
def test_a_task_group_hides_no_error_of_ours(error: StreamerError) -> None:
    """What `progress` and `checkpoint` raise in a task ends the action as it does outside of one."""
    runner = ActionRunner(logging.getLogger("test"))
    with pytest.raises(type(error)) as raised:
        runner.run(declare(_in_a_group(error, error)), {}, make_context(), limit_s=20)
    assert raised.value is error


def test_a_task_group_with_another_error_too_has_failed_unexpectedly() -> None:
    """A fault of the action is not hidden by what ended its other tasks."""
    runner = ActionRunner(logging.getLogger("test"))
    with pytest.raises(ProcessingFailed, match="unexpectedly"):
        runner.run(declare(_in_a_group(CancelRequested("c"), KeyError(1))), {}, make_context(), limit_s=20)


@pytest.mark.parametrize(
    ("errors", "retryable"),
    [([ConnectionError(), ConnectionResetError()], True), ([ConnectionError(), KeyError(1)], False)],
    ids=["all-named", "one-is-not"],
)
def test_a_task_group_is_tried_again_if_all_in_it_are(errors: list[Exception], retryable: bool) -> None:
    """The retry policy names what a task raised, not the group around it."""
    runner = ActionRunner(logging.getLogger("test"))
    declared = declare(_in_a_group(*errors), retry=RetryPolicy(on=(ConnectionError,)))
    with pytest.raises(ProcessingFailed) as raised:
        runner.run(declared, {}, make_context(), limit_s=20)
    assert raised.value.retryable is retryable
