"""What is common to many actions is written once, around them."""

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from streamer.actions import ActionContext, Proceed, action, timed
from streamer.actions import running as running_module
from streamer.actions.registry import ActionRegistry, load_registry
from streamer.actions.running import run
from streamer.errors import Forbidden
from streamer.testing import make_context, make_settings

TRAIL: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    TRAIL.clear()
    yield
    running_module.close()


def leaves(name: str) -> Any:
    """Return a middleware that says when it was passed."""

    def middleware(payload: Any, context: ActionContext, proceed: Proceed) -> Any:
        TRAIL.append(f"{name} in")
        result = proceed(payload, context)
        TRAIL.append(f"{name} out")
        return result

    return middleware


everywhere = leaves("setting")


@action("plain", payload=dict[str, Any], middleware=(leaves("first"), leaves("second")))
def plain(payload: dict[str, Any], context: ActionContext) -> str:
    TRAIL.append("action")
    return "done"


@action("later", payload=dict[str, Any], middleware=[leaves("around")])
async def later(payload: dict[str, Any], context: ActionContext) -> str:
    TRAIL.append("action")
    return "done"


def test_the_first_is_outermost() -> None:
    """Middleware is passed in its order on the way in and in the reverse on the way out."""
    assert run(plain, {}, make_context()) == "done"
    assert TRAIL == ["first in", "second in", "action", "second out", "first out"]


def test_a_coroutine_is_over_when_its_middleware_goes_on() -> None:
    """One form of middleware serves both forms of action."""
    assert run(later, {}, make_context()) == "done"
    assert TRAIL == ["around in", "action", "around out"]


def test_the_setting_is_around_the_module_is_around_the_action(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is for all is outermost."""
    module = ModuleType("users_actions")
    module.plain = plain  # type: ignore[attr-defined]
    module.MIDDLEWARE = (leaves("module"),)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "users_actions", module)
    common = ModuleType("users_middleware")
    common.everywhere = everywhere  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "users_middleware", common)
    settings = make_settings(action_modules="users_actions", action_middleware="users_middleware:everywhere")
    run(load_registry(settings).get("plain"), {}, make_context())
    assert TRAIL[:3] == ["setting in", "module in", "first in"]


def test_what_takes_the_place_of_an_action_gets_the_settings_middleware() -> None:
    """An action that is replaced is not left bare."""
    registry = ActionRegistry(middleware=[everywhere])
    registry.replace(plain)
    run(registry.get("plain"), {}, make_context())
    assert TRAIL[0] == "setting in"


def test_a_middleware_may_refuse() -> None:
    """What it raises is told as the action's own error would be, and the action does not run."""

    def refuses(payload: Any, context: ActionContext, proceed: Proceed) -> Any:
        raise Forbidden("Not today.")

    guarded = action("guarded", payload=dict[str, Any], middleware=[refuses])(plain.function)
    with pytest.raises(Forbidden):
        run(guarded, {}, make_context())
    assert TRAIL == []


@pytest.mark.parametrize(
    "name", ["nothing", "no_such:f", "streamer.clock:nothing", "streamer.clock:__name__"]
)
def test_a_misspelt_middleware_is_named(name: str) -> None:
    """A wrong setting says so at the start of the function."""
    with pytest.raises(ValueError, match=f"There is no function '{name}'"):
        load_registry(make_settings(action_middleware=name))


def test_timed_says_how_long_an_action_ran(caplog: pytest.LogCaptureFixture) -> None:
    """One line per run, with the action's name and how it ended."""
    caplog.set_level(logging.INFO)
    timed({}, make_context(action="plain"), lambda payload, context: 1)
    with pytest.raises(ZeroDivisionError):
        timed({}, make_context(action="plain"), lambda payload, context: 1 / 0)
    facts = [(line.__dict__["name_of_action"], line.__dict__["outcome"]) for line in caplog.records]
    assert facts == [("plain", "returned"), ("plain", "raised")]
    assert all(line.__dict__["duration_ms"] >= 0 for line in caplog.records)
