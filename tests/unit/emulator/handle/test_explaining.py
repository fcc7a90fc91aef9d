"""The end of a log that explains a failure is short, and shows the reader's own code."""

import json
from typing import Any

from emulator.handle.explaining import MAX_LINES, explain, trouble

STACK = """Traceback (most recent call last):
  File "/ours/running.py", line 1, in run
    result = action(payload)
             ^^^^^^^^^^^^^^^
  File "/theirs/cell.py", line 3, in broken
    x = {}['a']
KeyError: 'a'"""


def log(*lines: Any, function: str = "f", function_error: str | None = None) -> dict[str, Any]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    text = f"START RequestId: i Version: $LATEST\n{text}\nEND RequestId: i\nREPORT RequestId: i\n"
    return {"function": function, "function_error": function_error, "log": text}


def test_the_trouble_of_a_log_is_told_with_the_readers_frames() -> None:
    """Lines at WARNING and above are shown, without the frames of code that is not the reader's."""
    told = explain(
        [
            log(
                {"level": "INFO", "message": "fine"},
                {"level": "ERROR", "message": "It raised", "stack_trace": STACK},
            )
        ],
        folders=["/ours/"],
    )
    assert told is not None
    assert told.splitlines() == [
        "It failed in f, whose log ends:",
        "  ERROR It raised",
        "  Traceback (most recent call last):",
        '    File "/theirs/cell.py", line 3, in broken',
        "      x = {}['a']",
        "  KeyError: 'a'",
    ]


def test_frames_stay_where_there_are_no_others() -> None:
    """An error of our own code is not left without any frame."""
    line = {"level": "ERROR", "message": "It raised", "stack_trace": STACK}
    assert "\n".join(trouble(log(line)["log"], folders=["/ours/", "/theirs/"])).endswith(STACK)


def test_the_last_function_in_trouble_is_named() -> None:
    """Of several functions the one that failed last explains the outcome."""
    logs = [
        log({"level": "WARNING", "message": "first"}, function="router"),
        log({"level": "ERROR", "message": "second"}, function="executor"),
        log({"level": "INFO", "message": "fine"}, function="sweeper"),
    ]
    assert explain(logs) == "It failed in executor, whose log ends:\n  ERROR second"


def test_an_error_that_the_runtime_wrote_is_shown() -> None:
    """Lambda's own lines about an error or a timeout are no JSON."""
    told = explain([log("[ERROR] KeyError: 'a'", "Traceback (most recent call last):", '  File "x", line 1')])
    assert told is not None
    assert "[ERROR] KeyError: 'a'" in told
    assert trouble(log("2026-01-01T00:00:00.000Z i Task timed out after 3.00 seconds")["log"])


def test_a_crash_without_a_word_still_names_the_function() -> None:
    """A function that was killed logs nothing."""
    assert explain([log(function="executor", function_error="Unhandled")]) == "It failed in executor."


def test_nothing_is_said_of_a_log_without_trouble() -> None:
    """A request that was refused needs no log."""
    assert explain([log({"level": "INFO", "message": "A message was refused"}, "a print")]) is None
    assert explain([]) is None


def test_a_long_log_is_cut_to_its_end() -> None:
    """What is shown fits above the next cell."""
    told = explain([log(*({"level": "ERROR", "message": str(number)} for number in range(100)))])
    assert told is not None
    lines = told.splitlines()
    assert (len(lines), lines[-1]) == (MAX_LINES + 1, "  ERROR 99")
