"""What a log line holds, and what it never does."""

import contextvars
import enum
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.observability import bound, get_logger
from streamer.observability.logs import MAX_TEXT_LENGTH, WITHHELD, fact

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImZpcnN0In0.eyJzdWIiOiJhZGEiLCJ0ZW5hbnRfaWQiOiJhY21lIn0.c2lnbmF0dXJl"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = get_logger("unit")
    yield logger
    logger.handlers = []


def test_line(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """A line is one JSON object: time, level, message, action and function first, then the facts."""
    logger.info("It happened", extra={"action": "it.happened", "duration_ms": 1.5, "tenant_id": None})
    (line,) = lines(capsys)
    assert list(line) == ["timestamp", "level", "message", "action", "function", "duration_ms"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["message"], line["action"]) == ("INFO", "It happened", "it.happened")
    assert (line["function"], line["duration_ms"]) == ("unit", 1.5)


def test_bound_fields(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """Bound fields are in every line inside, nested ones on top, and in none after an error either."""
    with suppress(KeyError), bound(correlation_id="c", aws_request_id="r"):
        with bound(request_id="q", correlation_id="d"):
            logger.info("Inner")
        logger.info("Outer")
        raise KeyError
    logger.info("After")
    inner, outer, after = lines(capsys)
    assert (inner["correlation_id"], inner["aws_request_id"], inner["request_id"]) == ("d", "r", "q")
    assert (outer["correlation_id"], "request_id" in outer) == ("c", False)
    assert "correlation_id" not in after


def test_bound_fields_in_threads(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """A thread has the bound fields if it runs in a copy of the context, else none of another's."""
    with bound(correlation_id="c"):
        copy = contextvars.copy_context()
    for run, message in ((lambda log, text: log(text), "Bare"), (copy.run, "Copied")):
        thread = threading.Thread(target=run, args=(logger.info, message))
        thread.start()
        thread.join(10)
    bare, copied = lines(capsys)
    assert "correlation_id" not in bare
    assert copied["correlation_id"] == "c"


def test_no_double_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """The Lambda runtime's handler on the root logger sees nothing, and asking twice adds nothing."""
    seen: list[logging.LogRecord] = []

    class Root(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    root = Root()
    logging.getLogger().addHandler(root)
    try:
        get_logger("unit")
        get_logger("unit").warning("Once")
    finally:
        logging.getLogger().removeHandler(root)
        get_logger("unit").handlers = []
    assert len(lines(capsys)) == 1
    assert seen == []


@pytest.mark.parametrize("level", ["DEBUG", "debug", "WARNING"])
def test_level(capsys: pytest.CaptureFixture[str], level: str) -> None:
    """Lines below the level are not written."""
    logger = get_logger("unit", level=level)
    logger.debug("Fine")
    logger.error("Bad")
    logger.handlers = []
    assert [line["message"] for line in lines(capsys)] == (["Bad"] if level == "WARNING" else ["Fine", "Bad"])


def test_unknown_level() -> None:
    """A level that does not exist is an error at the start."""
    with pytest.raises(ValueError, match="CHATTY"):
        get_logger("unit", level="chatty")


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("text", "text"), (True, True), (7, 7), (0.5, 0.5), (Colour.RED, "red"), (float("nan"), "nan"),
        ({"found": 2}, {"found": 2}), ({"a": "secret"}, "[dict]"), ({1: 2}, "[dict]"), (b"bytes", "[bytes]"),
        (["a"], "[list]"), (..., "[ellipsis]"), (f"was {JWT}", "was [token]"),
        (JWT.rsplit(".", 1)[0], "[token]"), ("x" * 600, "x" * (MAX_TEXT_LENGTH - 1) + "…"),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_facts(value: object, written: object) -> None:
    """Facts are written; content is written as the name of its type, tokens are blanked, long text is cut."""
    assert fact("field", value) == written


@pytest.mark.parametrize("name", [*sorted(WITHHELD), "Authorization", "PAYLOAD"])
def test_withheld(logger: logging.Logger, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A field whose name says that it is content or a secret is withheld, whatever it holds."""
    logger.info("Oops", extra={name: "s3cret"})
    with bound(**{name: "s3cret"}):
        logger.info("Oops")
    written = capsys.readouterr().out
    assert written.count("[withheld]") == 2
    assert "s3cret" not in written


def test_exception(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """An exception is in its line: type, text and where it came from, without a line break or a token."""
    try:
        raise ValueError(f"bad token {JWT}\nsecond line")
    except ValueError:
        logger.exception("It failed", extra={"action": "it.failed"})
    written = capsys.readouterr().out
    line = json.loads(written)
    assert written.count("\n") == 1
    assert (line["error_type"], line["error"]) == ("ValueError", "bad token [token]\nsecond line")
    assert "test_logs.py" in line["stack_trace"]
    assert "eyJ" not in written


def test_one_line_whatever_is_in_it(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks and lone surrogates in a field cannot break or forge a line."""
    logger.info("A\nB", extra={"reason": 'x"}\n{"level":"ERROR"}\u2028\ud800'})
    written = capsys.readouterr().out
    assert written.count("\n") == 1
    assert written.isascii()
    assert json.loads(written)["level"] == "INFO"


@given(
    st.dictionaries(
        st.text(max_size=8).filter(
            lambda name: name not in vars(logging.makeLogRecord({})) | {"message": 1, "asctime": 1}
        ),
        st.recursive(
            st.none() | st.floats() | st.integers() | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
        max_size=5,
    )
)
def test_any_extra(extra: dict[str, object]) -> None:
    """Whatever is passed becomes one line of strict JSON."""
    record = logging.makeLogRecord({"msg": "m", "levelname": "INFO", **extra})
    logger = get_logger("unit")
    line = logger.handlers[0].format(record)
    logger.handlers = []
    assert "\n" not in line
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
