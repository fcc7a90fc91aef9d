"""How often an action is tried is declared with it."""

from typing import Any

import pytest

from streamer.actions import DEFAULT_RETRY, NO_RETRY, ActionContext, RetryPolicy, action


def test_an_action_declares_its_own_policy() -> None:
    """The executor finds it at the action; without one the deployment's number of attempts counts."""

    @action("once", payload=dict[str, Any], retry=NO_RETRY)
    def once(payload: dict[str, Any], context: ActionContext) -> None:
        """Do nothing."""

    @action("often", payload=dict[str, Any])
    def often(payload: dict[str, Any], context: ActionContext) -> None:
        """Do nothing."""

    assert once.retry.max_attempts == 1
    assert often.retry == DEFAULT_RETRY
    assert DEFAULT_RETRY.max_attempts is None


@pytest.mark.parametrize(
    "fields", [{"max_attempts": 0}, {"base_s": -1.0}, {"base_s": 2.0, "cap_s": 1.0}], ids=str
)
def test_a_policy_that_means_nothing_is_refused(fields: dict[str, Any]) -> None:
    """It fails where it is declared."""
    with pytest.raises(ValueError, match="is "):
        RetryPolicy(**fields)
