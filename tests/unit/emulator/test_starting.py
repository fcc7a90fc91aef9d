"""What is begun beside the rest of a sandbox's start ends with it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Application, Function, Route, WebSocketApi
from emulator.settings import Settings
from emulator.starting import Ground, prepare

APPLICATION = Application(
    "app", functions=[Function("f", "m.h", Path("/"))], apis=[WebSocketApi("a", [Route("$default", "f")])]
)


class Source:
    """Declares an application."""

    def application(self) -> Application:
        return APPLICATION


class Service:
    """Functions that take for ever to start."""

    def __init__(self) -> None:
        self.has_ended = False
        self.had_ended_at_stop = False

    async def boot(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.has_ended = True

    async def stop(self) -> None:
        self.had_ended_at_stop = self.has_ended


async def test_a_start_that_fails_leaves_nothing_starting(tmp_path: Path) -> None:
    """Functions are stopped once they start no more, where the certificate cannot be written."""
    (tmp_path / "file").touch()
    service: Any = Service()
    source: Any = Source()
    async with AsyncExitStack() as stack:
        ground = Ground.lay(Settings(), tmp_path / "file" / "run", stack)
        with pytest.raises(NotADirectoryError):
            await prepare(source, lambda _: service, ground)
    assert service.had_ended_at_stop
