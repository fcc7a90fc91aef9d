"""A Lambda service whose environments are threads: what becomes of a function when one of them ends."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.application import Function
from emulator.errors import StartFailed
from emulator.handle.inline import run
from emulator.invocation import MAX_RESPONSE_BYTES
from emulator.runtime import LambdaService
from emulator.runtime.inline import InlineEnvironments

DEADLINE_S = 30.0


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LambdaService]:
    """Run the function `text`, whose response is as long as its event says, in threads."""
    inline = InlineEnvironments(os.getpid(), tmp_path)
    made = LambdaService([Function("text", "m.h", tmp_path)], inline=inline)
    threads: list[threading.Thread] = []

    def make(_name: str, _log: Any) -> Any:
        return lambda event, _context: "x" * event

    async def take() -> None:
        while True:
            for opening in await inline.take(wait_s=DEADLINE_S):
                thread = threading.Thread(target=run, args=(opening.variables, opening.output, make))
                threads.append(thread)
                thread.start()

    await made.start()
    taker = asyncio.create_task(take())
    yield made
    taker.cancel()
    await asyncio.wait({taker})
    await made.stop()
    for thread in threads:
        await asyncio.to_thread(thread.join)


async def test_a_thread_that_ends_leaves_its_place_to_another(service: LambdaService) -> None:
    """A response that is not taken ends the thread; the function's next call does not wait for it."""
    async with asyncio.timeout(DEADLINE_S):
        large = await service.invoke("text", str(MAX_RESPONSE_BYTES).encode())
        assert json.loads(large.payload)["errorType"] == "Function.ResponseSizeTooLarge"
        assert (await service.invoke("text", b"3")).payload == b'"xxx"'


async def test_a_start_that_fails_keeps_no_port(tmp_path: Path) -> None:
    """Where an environment's pipe cannot be made, the caller is told and its Runtime API is closed."""
    inline = InlineEnvironments(os.getpid(), tmp_path / "gone")
    service = LambdaService([Function("text", "m.h", tmp_path)], inline=inline)
    await service.start()
    before = _listening()
    with pytest.raises(StartFailed, match="No environment of text could be started"):
        await service.invoke("text", b"3")
    assert _listening() == before
    await service.stop()


def _listening() -> set[int]:
    """Return the ports on which this process listens."""
    connections = psutil.Process().net_connections("tcp")
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
