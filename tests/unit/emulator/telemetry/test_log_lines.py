"""The emulator's log: one line for each thing that happened, with its facts."""

import logging
import sys

import pytest

from emulator.telemetry.log_lines import LineFormatter


def line(message: str, *, name: str = "emulator.gateway.gateway", **facts: object) -> str:
    """Return what is written of a record, from the logger's name on."""
    record = logging.makeLogRecord({"name": name, "msg": message, "levelname": "INFO", **facts})
    return LineFormatter().format(record).split(" INFO ", 1)[1]


def test_facts_follow_the_message() -> None:
    """What a call gives by `extra` stands behind its message; what is None is left out."""
    written = line("connection refused", status=403, cause="no such stage", connection_id=None)
    assert written == 'emulator.gateway.gateway connection refused status=403 cause="no such stage"'


@pytest.mark.parametrize("reason", ["one\ntwo", "one\r2026-01-01 ERROR", "\x1b[2J", "a\u2028b", "\ud800", ""])
def test_what_a_peer_chose_stays_within_its_line(reason: str) -> None:
    """A reason with line ends, control characters or halves of characters is one quoted ASCII word."""
    written = line("connection closed", reason=reason)
    assert len(written.splitlines()) == 1
    assert written.isascii()
    assert "\x1b" not in written


def test_tokens_are_shortened() -> None:
    """A fact that holds a token is written without it."""
    token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"
    written = line("connection closed", reason=f"my token was {token}")
    assert "eyJzdWIiOiJhbmEifQ" not in written


def test_facts_of_other_peoples_loggers_are_left_out() -> None:
    """A library's facts may hold anything, so they are not written."""
    assert line("done", name="urllib3.connectionpool", payload="secret") == "urllib3.connectionpool done"


def test_traceback_follows_the_line() -> None:
    """An error's traceback stands below its line."""
    try:
        raise ValueError("no")
    except ValueError:
        written = line("task failed", exc_info=sys.exc_info(), function="f")
    first, second, *_ = written.splitlines()
    assert first.endswith("task failed function=f")
    assert second == "Traceback (most recent call last):"
