"""Calling the functions behind an API: every way in which a call can fail becomes a value."""

import asyncio
import logging

from emulator.errors import EmulatorError
from emulator.gateway.responses import INTERNAL_SERVER_ERROR, TIMED_OUT, Failed
from emulator.invocation import InvocationResult, Invoker

log = logging.getLogger(__name__)


class Calls:
    """The functions of one API, called by name."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def call(
        self, function: str, payload: bytes, *, timeout_s: float, trace_header: str | None = None
    ) -> InvocationResult | Failed:
        """Run `function` and wait at most `timeout_s`; never raises for a function's fault.

        A function that takes longer is given up but not stopped, as on AWS.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._invoker.invoke(function, payload, trace_header=trace_header)
        except TimeoutError:
            return Failed(TIMED_OUT, "integration timeout")
        except EmulatorError as error:  # throttled, or no such function: an ordinary failure
            return Failed(INTERNAL_SERVER_ERROR, type(error).__name__)
        except Exception as error:
            log.exception(
                "invocation failed", extra={"action": "gateway.invocation_failed", "function": function}
            )
            return Failed(INTERNAL_SERVER_ERROR, type(error).__name__)
