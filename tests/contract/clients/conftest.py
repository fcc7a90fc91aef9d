"""Real WebSocket servers: one that plays a script, one that remembers what it was asked."""

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


WHEN = "2026-11-21T07:09:08.123Z"


class Backend:
    """Long requests that a test moves on, and every connection that was ever open.

    Attributes:
        tokens: the `Authorization` header of each handshake, in order.
        connections: in order; those that are over too.
        asked: actions that arrived, in order.
        messages: what was said of each long request.
        refuse: status that handshakes are refused with, while it is set.
        deaf: whether nothing is answered.
    """

    def __init__(self) -> None:
        self.tokens: list[str | None] = []
        self.connections: list[ServerConnection] = []
        self.asked: list[str] = []
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.subscribers: dict[str, set[ServerConnection]] = {}
        self.refuse: int | None = None
        self.deaf = False
        self.changed = asyncio.Condition()

    async def script(self, connection: ServerConnection) -> None:
        """Serve one connection."""
        self.connections.append(connection)
        await self._tell()
        try:
            async for text in connection:
                request = json.loads(text)
                self.asked.append(request["action"])
                await self._tell()
                if not self.deaf and (answer := self.answer(connection, request)) is not None:
                    await connection.send(json.dumps(answer))
        except websockets.ConnectionClosed:
            pass
        finally:
            await self._tell()

    async def check(self, connection: ServerConnection, request: Any) -> Any:
        """Let a handshake in, or refuse it."""
        self.tokens.append(request.headers.get("Authorization"))
        await self._tell()
        return None if self.refuse is None else connection.respond(self.refuse, "")

    def answer(self, connection: ServerConnection, request: dict[str, Any]) -> dict[str, Any] | None:
        request_id, payload = request["id"], request["payload"]
        answer = {"request_id": request_id, "timestamp": WHEN}
        match request["action"]:
            case "ping":
                return {"type": "pong", "timestamp": WHEN}
            case "echo":
                return answer | {"type": "response", "success": True, "data": payload}
            case "generate_report":
                self.messages.setdefault(request_id, [])
                self.subscribers.setdefault(request_id, set()).add(connection)
                return answer | {
                    "type": "acknowledgment",
                    "sequence": 0,
                    "status": "PENDING",
                    "message": "Queued.",
                }
            case "status" | "cancel" if payload["request_id"] in self.messages:
                return answer | {"type": "response", "success": True, "data": standing(payload["request_id"])}
            case "list":
                data = {"requests": [standing(each) for each in self.messages], "cursor": "next"}
                return answer | {"type": "response", "success": True, "data": data}
            case "subscribe" if payload["request_id"] in self.messages:
                self.subscribers[payload["request_id"]].add(connection)
                data = {
                    "request": standing(payload["request_id"]),
                    "messages": [
                        each
                        for each in self.messages[payload["request_id"]]
                        if each["sequence"] > payload["after_sequence"]
                    ],
                    "truncated": False,
                }
                return answer | {"type": "response", "success": True, "data": data}
            case "hold":
                return None
        error = {"code": "NOT_FOUND", "message": "There is none."}
        return answer | {"type": "error", "success": False, "error": error}

    async def progress(self, request_id: str, sequence: int) -> None:
        await self._say(
            request_id,
            {"type": "progress", "sequence": sequence, "attempt": 1, "percentage": 1.0, "message": "Row"},
        )

    async def complete(self, request_id: str, sequence: int, result: Any) -> None:
        await self._say(
            request_id, {"type": "complete", "sequence": sequence, "success": True, "result": result}
        )

    async def until(self, check: Any) -> None:
        """Wait until `check()` is true; it is looked at whenever something happened."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(check)

    def cut(self) -> None:
        """Cut every connection."""
        for connection in self.connections:
            connection.transport.abort()

    async def _say(self, request_id: str, message: dict[str, Any]) -> None:
        made = {"request_id": request_id, "timestamp": WHEN, **message}
        self.messages[request_id].append(made)
        for connection in list(self.subscribers[request_id]):
            try:
                await connection.send(json.dumps(made))
            except websockets.ConnectionClosed:
                self.subscribers[request_id].discard(connection)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


def standing(request_id: str) -> dict[str, Any]:
    """Return the `RequestStatus` of a request that is worked on."""
    return {
        "request_id": request_id,
        "user_id": "ann",
        "action": "generate_report",
        "status": "PROCESSING",
        "attempt": 1,
        "created_at": WHEN,
        "updated_at": WHEN,
    }


@pytest.fixture
def backend() -> Backend:
    """A server whose long requests go on over connections."""
    return Backend()


@pytest.fixture
async def backend_url(serve: Serve, backend: Backend) -> str:
    """Where it is."""
    return await serve(backend.script, process_request=backend.check)
