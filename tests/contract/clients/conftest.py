"""A real WebSocket server that plays a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import websockets
from websockets.asyncio.server import ServerConnection

Script = Callable[[ServerConnection], Awaitable[None]]
Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers: `url = await serve(script)`; afterwards nothing of the client may be left."""
    playing: set[asyncio.Task[Any]] = set()
    async with AsyncExitStack() as stack:

        async def start(script: Script, **options: Any) -> str:
            async def play(connection: ServerConnection) -> None:
                task = asyncio.current_task()
                assert task is not None
                playing.add(task)
                await script(connection)

            server = await stack.enter_async_context(
                websockets.serve(play, "127.0.0.1", 0, ping_interval=None, **options)
            )
            scheme = "wss" if options.get("ssl") else "ws"
            host = "localhost" if options.get("ssl") else "127.0.0.1"
            return f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}/local"

        yield start
        for task in playing:  # a script may still wait for what a failed test never did
            task.cancel()
    left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("streamer-client")]
    assert left == []


class Player:
    """Reads requests from a connection and writes messages to it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def request(self) -> dict[str, Any]:
        text = await self.connection.recv()
        assert isinstance(text, str), "API Gateway takes text frames only"
        value: dict[str, Any] = json.loads(text)
        return value

    async def send(self, kind: str, request_id: str, **fields: Any) -> None:
        always = {"type": kind, "request_id": request_id, "timestamp": "2026-11-21T07:09:08.123Z"}
        await self.connection.send(json.dumps({**always, **fields}))

    async def acknowledge(self, request_id: str) -> None:
        await self.send("acknowledgment", request_id, sequence=0, status="PENDING", message="Queued.")

    async def progress(self, request_id: str, sequence: int, percentage: float = 0.0) -> None:
        await self.send(
            "progress",
            request_id,
            sequence=sequence,
            attempt=1,
            percentage=percentage,
            message=f"Row {sequence}",
        )

    async def respond(self, request_id: str, data: Any) -> None:
        await self.send("response", request_id, success=True, data=data)

    async def complete(self, request_id: str, sequence: int, result: Any) -> None:
        await self.send("complete", request_id, sequence=sequence, success=True, result=result)

    async def fail(self, request_id: str, code: str, **fields: Any) -> None:
        error = {"code": code, "message": "It did not work."}
        await self.send("error", request_id, success=False, error=error, **fields)


@pytest.fixture
def player() -> type[Player]:
    """The script's hands."""
    return Player


@pytest.fixture
def application(player: type[Player]) -> Script:
    """A script that echoes, reports with progress, and fails, as the application does."""

    async def play(connection: ServerConnection) -> None:
        hands = player(connection)
        try:
            while True:
                request = await hands.request()
                request_id = request["id"]
                match request["action"]:
                    case "echo":
                        await hands.respond(request_id, request["payload"])
                    case "generate_report":
                        await hands.acknowledge(request_id)
                        for step in range(1, 5):
                            await hands.progress(request_id, step, step * 25.0)
                        await hands.complete(request_id, 9, {"rows": 50_000})
                    case "silence":
                        pass
                    case _:
                        await hands.fail(request_id, "INVALID_ACTION")
        except websockets.ConnectionClosed:
            pass

    return play
