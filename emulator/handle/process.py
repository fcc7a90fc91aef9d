"""The emulator as a child process: started, followed, and ended with whoever started it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from emulator.errors import StartFailed
from emulator.state import State, parse

STOP_TIMEOUT_S = 10.0
"""Seconds that an emulator has for its orderly end before it is killed. Seen: under 2."""

MAX_LINE_BYTES = 16 * 1024 * 1024
"""One line of the emulator's own report at most."""


class EmulatorProcess:
    """One run of `python -m emulator.server`, in a session of its own.

    A terminal's or a kernel's interrupt does not reach it; the end of its standard input does.

    Attributes:
        failure: why it ended, None while it runs.
    """

    def __init__(self, report: Callable[[str], None], serving: Callable[[State], None]) -> None:
        """Start nothing yet.

        Args:
            report: is told in words what happens.
            serving: is told when the control API answers, while the functions still start.
        """
        self._report = report
        self._serving = serving
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.failure: str | None = None

    async def start(self, configuration: Mapping[str, Any], *, timeout_s: float) -> State:
        """Start it and wait until it is ready.

        Raises:
            StartFailed: with its own reason, or because it took longer than `timeout_s`.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "emulator.server",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_surroundings(),
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
        ready: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._follow(self._process, ready), name="sandbox")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(configuration).encode() + b"\n")
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(ready)
        except TimeoutError:
            await self.stop()
            raise StartFailed(
                f"The emulator was not ready within {timeout_s:.0f} s;"
                ' "python -m emulator doctor" says what the machine lacks.'
            ) from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End it and everything that it started; idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader

    async def wait(self) -> str:
        """Wait until it ends by itself; returns why."""
        if self._reader is not None:
            await asyncio.shield(self._reader)
        return self.failure or "The emulator has ended."

    async def _follow(self, process: asyncio.subprocess.Process, ready: "asyncio.Future[State]") -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            with suppress(ValueError, KeyError, TypeError):
                self._told(json.loads(line), ready)
        status = await process.wait()
        if self.failure is None:
            self.failure = f"The emulator has ended ({_how(status)})."
        if not ready.done():
            ready.set_exception(StartFailed(self.failure))
            ready.exception()  # read here, so that a start that was cancelled leaves no warning

    def _told(self, event: dict[str, Any], ready: "asyncio.Future[State]") -> None:
        if event["event"] == "progress":
            self._report(event["text"])
        elif event["event"] == "serving":
            self._serving(parse(json.dumps(event["state"])))
        elif event["event"] == "ready" and not ready.done():
            ready.set_result(parse(json.dumps(event["state"])))
        elif event["event"] == "failed":
            self.failure = event["message"]  # for whoever waits, who says it


def _surroundings() -> dict[str, str]:
    """Return the emulator's environment: ours, but it may keep compiled modules, as it starts often."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
