"""The one handler of the parity suite: it tells a recorder what it received and does what it is told.

Standard library alone, so that it runs wherever Lambda code runs. `PARITY_RECORDER` says where the
recorder is; `PARITY_INIT` makes the import fail: `raise`, `raise-once`, `exit`, or seconds to sleep.
"""

import base64
import builtins
import itertools
import json
import logging
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, NoReturn

INSTANCE = uuid.uuid4().hex
"""Of this environment's process; another one after a reset."""

RECORDER = os.environ["PARITY_RECORDER"]

FAILED = os.path.join(tempfile.gettempdir(), "failed-once")
"""Tells the next process of the environment that an import failed."""

numbers = itertools.count(1)

Tell = Callable[[Any], None]
"""Reports a finding to the recorder."""


class Programmed(Exception):
    """What a test makes the handler raise, unless it names a built-in exception."""


def ask(path: str, message: object) -> Any:
    """Tell the recorder something and return its answer."""
    connection = HTTPConnection(RECORDER)
    try:
        connection.request("POST", path, json.dumps(message, default=repr))
        return json.loads(connection.getresponse().read() or b"null")
    finally:
        connection.close()


def initialise() -> None:
    """Fail while the module is imported, where that is asked for."""
    wish = os.environ.get("PARITY_INIT", "")
    if wish == "raise-once":
        wish = "" if os.path.exists(FAILED) else "raise"
        with open(FAILED, "a"):
            pass
    if wish == "raise":
        raise ValueError("init failed on purpose")
    if wish == "exit":
        sys.exit(3)
    if wish:
        time.sleep(float(wish))


def describe(context: Any) -> dict[str, Any]:
    """Return what the context object says, as JSON."""
    return {
        "aws_request_id": context.aws_request_id,
        "function_name": context.function_name,
        "function_version": context.function_version,
        "invoked_function_arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name,
        "remaining_ms": context.get_remaining_time_in_millis(),
    }


def handler(event: Any, context: Any) -> Any:
    """Report the event, then take the steps of the answer in their order."""
    answer = ask(
        "/invocations",
        {
            "function": context.function_name,
            "event": event,
            "context": describe(context),
            "environment": dict(os.environ),
            "instance": INSTANCE,
            "count": next(numbers),
            "pid": os.getpid(),
        },
    )

    def tell(value: Any) -> None:
        ask("/findings", {"invocation": answer["invocation"], "value": value})

    result = None
    for step, arguments in answer["steps"]:
        result = STEPS[step](event, context, tell, *arguments)
    return result


def give(event: Any, context: Any, tell: Tell, value: Any) -> Any:
    """Return a value."""
    return value


def give_bytes(event: Any, context: Any, tell: Tell, encoded: str) -> bytes:
    """Return bytes."""
    return base64.b64decode(encoded)


def fail(event: Any, context: Any, tell: Tell, kind: str, message: str) -> NoReturn:
    """Raise: a built-in exception by its name, else one of that name."""
    raise (getattr(builtins, kind, None) or type(kind, (Programmed,), {"__module__": __name__}))(message)


def sleep(event: Any, context: Any, tell: Tell, seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def leave(event: Any, context: Any, tell: Tell, status: int) -> NoReturn:
    """End the process as `sys.exit` does."""
    sys.exit(status)


def abort(event: Any, context: Any, tell: Tell, status: int) -> NoReturn:
    """End the process at once."""
    os._exit(status)


def say(event: Any, context: Any, tell: Tell, text: str) -> None:
    """Print."""
    print(text)


def log(event: Any, context: Any, tell: Tell, level: str, message: str) -> None:
    """Write with `logging`."""
    logging.getLogger().log(logging.getLevelName(level), message)


def run(event: Any, context: Any, tell: Tell, source: str) -> Any:
    """Run the function `main(event, context)` that `source` defines; it may call `tell(value)`."""
    names: dict[str, Any] = {"tell": tell, "__name__": "programmed"}
    exec(compile(source, "programmed", "exec"), names)
    return names["main"](event, context)


STEPS: dict[str, Callable[..., Any]] = {
    "give": give,
    "give_bytes": give_bytes,
    "fail": fail,
    "sleep": sleep,
    "leave": leave,
    "abort": abort,
    "say": say,
    "log": log,
    "run": run,
}

initialise()
