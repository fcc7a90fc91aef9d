"""One call on its way through the service, and what an environment made of it."""

import asyncio
from dataclasses import dataclass

from emulator.application import Function
from emulator.invocation import InvocationResult
from emulator.runtime.logs import InvocationLog
from emulator.runtime.recorded import Recorded


@dataclass(slots=True, eq=False)
class Invocation:
    """A call that was accepted and has no result yet.

    Attributes:
        headers: of the Runtime API's answer, without the deadline.
        updates: how often its function's configuration had been changed when it was submitted.
        result: set exactly once; an EmulatorError where the function was never reached.
        log, recorded: set when an environment takes the call.
    """

    function: Function
    request_id: str
    payload: bytes
    headers: dict[str, str]
    result: asyncio.Future[InvocationResult]
    updates: int = 0
    log: InvocationLog | None = None
    recorded: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an environment made of a call.

    Attributes:
        error_type: of the platform's own errors, for the REPORT line.
        status: `timeout` or `error` in the REPORT line, else None.
        line: what the platform itself writes to the log about it, or `""`.
    """

    payload: bytes
    function_error: str | None = None
    error_type: str | None = None
    status: str | None = None
    line: str = ""
