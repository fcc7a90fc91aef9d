"""The actions for tests do what they say."""

from typing import Any

import pytest

from streamer import testing
from streamer.actions.registry import load_registry
from streamer.actions.running import close, run
from streamer.errors import ActionFailed, InvalidMessage, MetadataTooLarge
from streamer.testing import RecordedProgress, make_context, make_settings


def call(name: str, payload: dict[str, Any], **options: Any) -> Any:
    action = load_registry(make_settings(action_modules="streamer.testing")).get(name)
    try:
        return run(action, action.parse(payload), make_context(**options))
    finally:
        close()


def test_they_are_offered_only_where_the_setting_names_them() -> None:
    """The default has none of them."""
    both = load_registry(make_settings(action_modules="streamer.actions,streamer.testing"))
    assert both.get("noop").is_long({})
    assert not both.get("fail_now").is_long({})
    assert "noop" not in load_registry(make_settings()).names


@pytest.mark.parametrize("name", ["sleep", "sleep_async"])
def test_sleep_reports_its_steps(name: str) -> None:
    """Progress before each step; both forms do the same."""
    progress = RecordedProgress()
    result = call(name, {"seconds": 0, "steps": 4}, progress=progress)
    assert result == {"slept_s": 0, "steps": 4, "attempt": 1}
    assert [percentage for percentage, _, _ in progress.updates][:4] == [0, 25, 50, 75]
    assert progress.updates[1][1:] == ("Step 2 of 4", {"step": 1})


def test_recorded_progress_takes_what_the_real_one_takes() -> None:
    """Facts as they were at the call; too many of them are the same error; what has no form is left out."""
    progress = RecordedProgress()
    rows = ["a"]
    progress(10, "Read", rows=rows)
    rows.append("b")
    progress(20, "Lost \ud800", file=object())
    assert progress.updates == [(10, "Read", {"rows": ["a"]}), (20, "Lost ?", {})]
    with pytest.raises(MetadataTooLarge, match="'rows'"):
        progress(30, "All", rows=["x" * 1_000] * 200)
    with pytest.raises(TypeError, match="is text"):
        progress(30, None)  # type: ignore[arg-type]
    assert len(progress.updates) == 2


@pytest.mark.parametrize("name", ["fail", "fail_now"])
def test_fail_fails_as_it_is_asked(name: str) -> None:
    """As an expected failure with a code, as a fault, or only in the first attempts."""
    with pytest.raises(ActionFailed, match=r"^Full\.$") as caught:
        call(name, {"message": "Full.", "code": "DISK_FULL", "retryable": True})
    assert (caught.value.code, caught.value.retryable) == ("DISK_FULL", True)
    with pytest.raises(RuntimeError, match="boom"):
        call(name, {"message": "boom", "expected": False})
    assert call(name, {"attempts": 1}, attempt=2) == {"attempt": 2}


def test_kill_environment_spares_the_tests_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process is no environment it refuses; where it is and the attempts are over, it answers."""
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    with pytest.raises(ActionFailed, match="no execution environment"):
        call("kill_environment", {})
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
    assert call("kill_environment", {"attempts": 1}, attempt=2) == {"attempt": 2}


def test_payloads_have_bounds() -> None:
    """A test action refuses nonsense, too."""
    with pytest.raises(InvalidMessage, match="seconds is 0 to 840"):
        call("sleep", {"seconds": 1000})
    assert testing.noop.parse({"any": 1}) == {"any": 1}
