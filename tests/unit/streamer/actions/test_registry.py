"""Actions are found by name; the modules that offer them are a setting."""

import sys
from types import ModuleType
from typing import Any

import pytest

from streamer.actions import Action, ActionContext, action
from streamer.actions.registry import ActionRegistry, load_registry
from streamer.errors import ErrorCode, InvalidAction
from streamer.testing import make_settings


def declare(name: str) -> Action:
    @action(name, payload=dict[str, Any])
    def nothing(payload: dict[str, Any], context: ActionContext) -> None:
        return None

    return nothing


def test_an_unknown_action_is_refused_with_the_known_ones() -> None:
    """The error names what was asked for and what there is."""
    with pytest.raises(InvalidAction, match=r"^There is no action 'c'; known: a, b\.$") as caught:
        ActionRegistry([declare("b"), declare("a")]).get("c")
    assert caught.value.code == ErrorCode.INVALID_ACTION


def test_registering_the_same_action_again_changes_nothing() -> None:
    """Two modules may name the same action."""
    one = declare("a")
    registry = ActionRegistry([one, one])
    assert registry.get("a") is one
    assert len(registry) == 1


def test_two_actions_of_one_name_are_refused() -> None:
    """It is never left to the order of imports which one runs."""
    with pytest.raises(ValueError, match="Two actions are called a"):
        ActionRegistry([declare("a"), declare("a")])


SHIPPED = {"bulk_operation", "delay", "echo", "echo_async", "generate_report", "health", "process_data"}


def test_the_actions_that_ship_are_the_default() -> None:
    """Without a setting there are these."""
    assert {*load_registry(make_settings()).names} == SHIPPED


def test_modules_are_added_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's module needs nothing but its actions."""
    module = ModuleType("users_actions")
    module.resize = declare("resize")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "users_actions", module)
    registry = load_registry(make_settings(action_modules="streamer.actions, users_actions"))
    assert {*registry.names} == SHIPPED | {"resize"}


@pytest.mark.parametrize("name", ["no_such_module", "streamer.no_such_module", "streamer.clock"])
def test_a_module_that_is_missing_or_empty_is_named(name: str) -> None:
    """A misspelt setting says so at the start of the function."""
    with pytest.raises(ValueError, match=f"module {name}|Module {name}"):
        load_registry(make_settings(action_modules=name))
