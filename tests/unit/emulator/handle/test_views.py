"""The lists that a sandbox returns to people who look."""

from emulator.handle.views import Logs, Timeline


def log(text: str) -> dict[str, str]:
    return {"function": "app-router", "log": text}


def test_what_a_function_logged_is_told_from_what_lambda_wrote() -> None:
    """`records` has the JSON lines of all invocations in their order, and no other line."""
    logs = Logs(
        [
            log('START RequestId: 1\n{"level": "INFO", "message": "first"}\nprinted\n[1]\nEND RequestId'),
            log('{"level": "ERROR", "message": "second"}\nREPORT RequestId: 2'),
        ]
    )
    assert [record["message"] for record in logs.records] == ["first", "second"]


def test_logs_read_as_they_were_written() -> None:
    """Shown, logs are the text that the function wrote, one invocation after the other."""
    assert repr(Logs([log("one\ntwo\n"), log("three\n")])) == "one\ntwo\nthree"


def test_an_empty_timeline_says_whether_nothing_happened_or_the_id_is_unknown() -> None:
    """Whoever mistyped an id sees that, on a terminal and in a notebook."""
    assert repr(Timeline([])) == "Timeline: nothing has happened yet."
    unknown = Timeline([], of="nobody")
    assert repr(unknown).startswith("Timeline: Nothing is known of 'nobody'")
    assert "Nothing is known of &#39;nobody&#39;" in unknown._repr_html_()
