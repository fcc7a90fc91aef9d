"""A sandbox whose functions run in this process, and a kernel as a notebook has one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_async_kernel

from emulator import Sandbox

DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def inline(sandbox_loop: asyncio.AbstractEventLoop, sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A sandbox with `execution="inline"`."""

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, sandbox_loop).result(DEADLINE_S)

    running = run(Sandbox.start(execution="inline", options=sandbox_options))
    yield running
    run(running.stop())


@pytest.fixture
async def inline_client(inline: Sandbox) -> AsyncIterator[Any]:
    """A client of it."""
    connected = await inline.connect()
    yield connected
    await connected.close()


class Kernel:
    """A Jupyter kernel that runs cells.

    Attributes:
        manager: of its process.
    """

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    async def run(self, code: str) -> str:
        """Run a cell; returns what it shows as text, an error's lines included."""
        shown: list[str] = []

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    shown.append(content["text"])
                case "error":
                    shown.append("\n".join(content["traceback"]))
                case "execute_result" | "display_data" | "update_display_data":
                    shown.append(content["data"]["text/plain"])

        await self.client.execute_interactive(code, output_hook=show, timeout=DEADLINE_S)
        return "\n".join(shown)


@pytest.fixture
async def kernel() -> AsyncIterator[Kernel]:
    """A kernel, which is killed in the end."""
    manager, client = await start_new_async_kernel(kernel_name="python3")
    yield Kernel(manager, client)
    client.stop_channels()
    await manager.shutdown_kernel(now=True)


@pytest.fixture
def completions() -> Callable[[Any], Awaitable[list[Any]]]:
    """Return the outcomes that came for a request."""

    async def of(request: Any) -> list[Any]:
        await request
        return [
            received.message for received in request.messages if type(received.message).__name__ == "Complete"
        ]

    return of
