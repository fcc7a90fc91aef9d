"""One JSON line per thing that happened.

On the standard library's `logging`, because a line needs nothing more. Imports, beyond the runtime
client's and botocore's: 1 ms, where aws-lambda-powertools' Logger takes 7 to 9 (5 and 27 without botocore).

A line holds facts, never content: a field is a short text, a number or a table of numbers. Anything
else is written as the name of its type, so that a payload, an event or a header map passed by mistake
does not get out, and a text that looks like a token is blanked.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from streamer.clock import timestamp
from streamer.texts import cut

MAX_TEXT_LENGTH = 512
"""Characters of a field. Ours: ids and codes are far shorter, payloads are longer."""

MAX_STACK_LENGTH = 8_192
"""Characters of a stack trace, its end. Ours; CloudWatch takes 1 MB a line."""

WITHHELD = frozenset(
    {
        "authorization", "body", "claims", "cookie", "credentials", "data", "event", "headers", "jwt", "key",
        "keys", "password", "payload", "query", "result", "secret", "token",
    }
)  # fmt: skip
"""Names of fields whose value is never written, whatever it is."""

_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_context: ContextVar[Mapping[str, object]] = ContextVar("streamer_log_context")


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add `fields` to every line that is logged inside, by whatever module.

    For one invocation: correlation id, request id, connection id. Nested calls add up. A thread
    starts without them; run its work in `contextvars.copy_context()` to take them along.
    """
    token = _context.set({**_context.get({}), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def get_logger(function: str, *, level: str = "INFO") -> logging.Logger:
    """Return the logger of the function called `function`; calling again returns the same one.

    Facts go into `extra`, the message is constant: `logger.info("Connected", extra={"action": …})`.
    Lines go to whatever `sys.stdout` is then. The root logger's handler, which the Lambda runtime
    installs, does not see them, so that no line is written twice.

    Args:
        level: the least severe level that is written, `DEBUG` to `CRITICAL`.

    Raises:
        ValueError: no such level.
    """
    logger = logging.getLogger(f"streamer.{function}")
    logger.setLevel(level.upper())
    logger.propagate = False
    handler = _StdoutHandler()
    handler.setFormatter(JsonFormatter(function))
    logger.handlers = [handler]
    return logger


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON.

    Shape:
        `{"timestamp", "level", "message", "action"?, "function", …bound fields, …extra fields,
        "error_type"?, "error"?, "stack_trace"?}`; fields that are None are left out.
    """

    def __init__(self, function: str) -> None:
        super().__init__()
        self._function = function

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line: dict[str, object] = {
            "timestamp": timestamp(record.created),
            "level": record.levelname,
            "message": _safe_text(record.getMessage(), MAX_TEXT_LENGTH),
            "action": extra.pop("action", None),
            "function": self._function,
        }
        line.update(_context.get({}))
        line.update((name, value) for name, value in extra.items() if value is not None)
        line = {name: fact(name, value) for name, value in line.items() if value is not None}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            stack = self.formatException(record.exc_info)
            line["error_type"] = type(error).__name__
            line["error"] = _safe_text(str(error), MAX_TEXT_LENGTH)
            line["stack_trace"] = _TOKEN.sub("[token]", stack)[-MAX_STACK_LENGTH:]
        return json.dumps(line, separators=(",", ":"))


def fact(name: str, value: object) -> object:
    """Return what is written of a field: `value` if it is a fact, else what it was instead.

    Facts are booleans, finite numbers, texts (cut at `MAX_TEXT_LENGTH`, tokens blanked) and mappings
    of names to numbers.
    """
    if name.lower() in WITHHELD:
        return "[withheld]"
    if isinstance(value, str):
        return _safe_text(value, MAX_TEXT_LENGTH)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, Mapping) and all(
        isinstance(key, str) and isinstance(number, int) for key, number in value.items()
    ):
        return {str(key): number for key, number in value.items()}
    return f"[{type(value).__name__}]"


def _safe_text(text: str, length: int) -> str:
    text = str.__str__(text)
    if "eyJ" in text:
        text = _TOKEN.sub("[token]", text)
    return cut(text, length)


class _StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stdout` is when a line is written."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stdout

    @stream.setter
    def stream(self, value: TextIO) -> None:
        raise AttributeError("This handler always writes to sys.stdout.")
