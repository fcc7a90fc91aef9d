"""Environments without a process: their function runs in a thread of the process that holds the sandbox.

Everything else is as in any environment: an address of the Runtime API of its own, a log, a life. What a
thread cannot do is documented where it differs: it cannot be killed. An environment that is killed is
given up here, and what its thread still answers is refused.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emulator.runtime.zygote import Exit


class Starter(Protocol):
    """What begins and ends whatever runs an environment's function; the fork server is one.

    Attributes:
        runs_processes: whether what it starts can be killed, and so be held to a timeout.
    """

    runs_processes: bool

    def open_output(self, key: str) -> tuple[int, int]:
        """Open what carries the environment's log; returns the reading and the writing descriptor."""
        ...

    async def start(
        self, key: str, variables: Mapping[str, str], output: int, on_exit: Callable[[Exit], None]
    ) -> int:
        """Start what runs the function and return its process id; see `Zygote.start`."""
        ...

    def kill(self, key: str) -> None:
        """End it; nothing happens if it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """An environment that waits for a thread.

    Attributes:
        output: path of the named pipe that takes its log.
        variables: the environment variables that a process would have.
    """

    key: str
    output: str
    variables: Mapping[str, str]


class InlineEnvironments:
    """Opens environments and hands them out to the process that holds the sandbox. Event loop only."""

    runs_processes = False

    def __init__(self, pid: int, folder: Path) -> None:
        """Make none yet.

        Args:
            pid: of the process that holds the sandbox; that of every environment here.
            folder: for the named pipes.
        """
        self._pid = pid
        self._folder = folder
        self._waiting: dict[str, Opening] = {}
        self._came = asyncio.Event()
        self._is_over = False
        self._open: dict[str, tuple[int, Callable[[Exit], None]]] = {}

    def open_output(self, key: str) -> tuple[int, int]:
        """Make the named pipe."""
        path = self._path(key)
        os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK), os.open(path, os.O_WRONLY)

    async def start(
        self, key: str, variables: Mapping[str, str], output: int, on_exit: Callable[[Exit], None]
    ) -> int:
        """Let somebody take the environment."""
        # Our own writing end keeps the pipe alive until a thread has opened it.
        self._open[key] = os.dup(output), on_exit
        self._waiting[key] = Opening(key, str(self._path(key)), variables)
        self._came.set()
        return self._pid

    def kill(self, key: str) -> None:
        """Give the environment up. Its thread goes on until it asks or answers, and is refused then."""
        self._waiting.pop(key, None)
        found = self._open.pop(key, None)
        if found is not None:
            output, on_exit = found
            os.close(output)
            self._path(key).unlink(missing_ok=True)
            asyncio.get_running_loop().call_soon(on_exit, Exit(-9))

    async def take(self, *, wait_s: float) -> list[Opening]:
        """Return the environments that nobody has taken yet, `[]` where none comes within `wait_s`."""
        if not self._waiting and not self._is_over:
            self._came.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._came.wait()
            except TimeoutError:
                return []
        taken, self._waiting = list(self._waiting.values()), {}
        return taken

    def end(self) -> None:
        """Let nobody wait for environments any more, because the sandbox stops."""
        self._is_over = True
        self._came.set()

    def close(self) -> None:
        """Close what is open; idempotent."""
        for key, (output, _) in self._open.items():
            os.close(output)
            self._path(key).unlink(missing_ok=True)
        self._open.clear()
        self._waiting.clear()

    def _path(self, key: str) -> Path:
        return self._folder / f"inline-{key}.log"
