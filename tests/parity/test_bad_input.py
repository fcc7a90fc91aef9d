"""Clients that vanish, break rules or do not read, and functions that never answer: the sandbox goes on.

What a gateway alone does with such peers is in `tests/contract/gateway`; here are real functions and the
whole emulator's view: its overview, its log, its memory.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.config import Config

from emulator import Sandbox
from scripts.parity_harness.sockets import HANDSHAKE, Wire, frame

COUNT = 1000
RATE_PER_S = 400
"""Below the account's 500 new connections a second, so that none is throttled."""

AT_ONCE = 16
"""Peers that are connected at the same time; below the 32 environments that a function may have."""

PATIENCE_S = 60.0
"""How long a peer waits for what must come: on a busy machine the functions' processes start slowly."""

VANISHING = 12

MAX_GROWTH_MB = 20.0
"""What the emulator may keep of the storm: its newest 10,000 events, 200 logs a function. Seen: 7."""

REPLY = b'{"action": "reply"}'

FRAMES = (
    (frame(0x81, REPLY),),
    (frame(0x81, b'{"action": "silent"}'),),
    (frame(0x81, b"text"),),
    (frame(0x81, b"x" * 32_768),),
    (frame(0x81, b"x" * 32_769),),
    (frame(0x01, b"half of a message"),),
    (frame(0x82, b"binary"),),
    (frame(0x83, b"no such opcode"),),
    (frame(0x89, b"ping"),),
    (frame(0x89, b"p" * 126),),
    (frame(0x88),),
    (frame(0x88, b"\x03\xe8bye\nbye"),),
    (b"\x81\x02hi",),
    (frame(0x81, b"\xff\xff"),),
    tuple([frame(0x81, REPLY)] * 5),
)
"""What peers send once they are connected: good, bad and forbidden."""


class Log:
    """What the emulator logged since the test began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = path.stat().st_size

    def lines(self) -> list[str]:
        with self._path.open() as file:
            file.seek(self._start)
            return file.read().splitlines()

    def connections(self, message: str) -> list[str]:
        """List the ids of the connections that this was logged of, in order."""
        found = (re.search(f" {message} action=\\S+ connection_id=(\\S+)", line) for line in self.lines())
        return [match[1] for match in found if match is not None]

    def troubles(self) -> list[str]:
        """List what no peer should be able to cause."""
        return [line for line in self.lines() if re.search("ERROR|CRITICAL|Traceback", line)]


@pytest.fixture
def log(sandbox: Sandbox) -> Log:
    return Log(Path(sandbox.state.run_folder) / "emulator.log")


def ids(invocations: Any) -> list[str]:
    """Return the connections' ids of invocations."""
    return [one.event["requestContext"]["connectionId"] for one in invocations]


async def no_connection(parity: Any, sandbox: Sandbox) -> None:
    """Wait until the overview has none."""
    await parity.eventually(lambda: not sandbox.overview()["connections"])


async def echo_works(parity: Any) -> str:
    """Connect, get an answer and leave; returns the connection's id."""
    socket = await parity.open()
    assert await socket.ask({"action": "reply"}) == "reply"
    await socket.close()
    return str(socket.connection_id)


async def idle(parity: Any, sandbox: Sandbox, functions: set[str]) -> None:
    """Wait until no environment of these functions is at work."""
    loop = asyncio.get_running_loop()

    def found() -> bool:
        environments = asyncio.run_coroutine_threadsafe(sandbox.environments(), loop).result()
        return all(one["state"] != "busy" for one in environments if one["function"] in functions)

    await parity.eventually(found)


async def test_clients_vanish_while_functions_never_answer(parity: Any, sandbox: Sandbox, log: Log) -> None:
    """A function that hangs holds nobody's connection: each ends with 1006 and others are served."""
    parity.function("silent").holds()
    sockets = [await parity.open() for _ in range(VANISHING)]
    for socket in sockets:
        await socket.send({"action": "silent"})
    held = [await parity.function("silent").invocation() for _ in sockets]
    for socket in sockets:
        socket.cut()
    ended = await parity.function("disconnect").events(VANISHING)
    assert {event["requestContext"]["disconnectStatusCode"] for event in ended} == {1006}
    await no_connection(parity, sandbox)
    await echo_works(parity)  # the others still hang
    for one in held:
        one.release()
    await idle(parity, sandbox, {"silent"})
    gone = [socket.connection_id for socket in sockets]
    assert sorted(set(log.connections("connection closed")) & set(gone)) == sorted(gone)
    assert log.troubles() == []


async def test_clients_vanish_while_the_function_runs_into_its_timeout(
    parity: Any, sandbox: Sandbox, log: Log
) -> None:
    """The function's process is ended by its timeout; the answer, which nobody waits for, is one line."""
    parity.function("brief").holds()
    socket = await parity.open()
    await socket.send({"action": "brief"})
    held = await parity.function("brief").invocation()
    socket.cut()
    await no_connection(parity, sandbox)
    dropped = await parity.eventually(lambda: log.connections("reply dropped: the connection is gone"))
    assert dropped == log.connections("message failed") == [socket.connection_id]
    assert "Task timed out" in await parity.log("brief", held.context["aws_request_id"])
    await echo_works(parity)


async def test_clients_vanish_while_connect_never_answers(parity: Any, sandbox: Sandbox, log: Log) -> None:
    """Who leaves before `$connect` has answered never was: no `$disconnect`, nothing to post to."""
    parity.function("connect").holds()
    held = []
    for _ in range(VANISHING):
        async with parity.wire() as wire:
            await wire.write(whole(wire))
            held.append(await parity.function("connect").invocation())
    for one in held:
        one.release()
    left = sorted(ids(held))
    await parity.eventually(
        lambda: sorted(log.connections("client left during the handshake")) == left or None
    )
    client = parity.management()
    for connection_id in left[:2]:
        with pytest.raises(client.exceptions.GoneException):
            await parity.call(client.post_to_connection, ConnectionId=connection_id, Data=b"x")
    parity.function("connect").returns({"statusCode": 200})
    served = await echo_works(parity)
    await parity.function("disconnect").event()
    assert ids(parity.function("disconnect").invocations) == [served]
    await no_connection(parity, sandbox)
    assert log.troubles() == []


@pytest.mark.slow
async def test_a_thousand_connections_dropped_at_random(parity: Any, sandbox: Sandbox, log: Log) -> None:
    """After 1,000 peers at 400 a second that do anything and drop, nothing of them is left (seeded).

    One client that keeps to the rules is served all the while, and one that never reads costs nothing.
    """
    await echo_works(parity)
    before_mb = await emulators_memory(sandbox)
    neighbour = await parity.open()
    async with parity.wire() as lazy:
        await lazy.handshake()
        lazy_id = str((await parity.function("connect").event())["requestContext"]["connectionId"])
        posting = asyncio.create_task(post_until_refused(parity, lazy_id))
        storm = asyncio.create_task(drop_at_random(parity, Random(1)))
        answers = 0
        while not (storm.done() and posting.done()):
            assert await neighbour.ask({"action": "reply"}) == "reply"
            answers += 1
        await storm
        assert await posting == "LimitExceededException"
    await neighbour.close()
    assert answers > COUNT // RATE_PER_S
    await echo_works(parity)  # whoever came before was taken by now
    connected = parity.function("connect")
    disconnected = parity.function("disconnect")

    def all_told() -> bool:
        opened, left = (
            log.connections("connection opened"),
            log.connections("client left during the handshake"),
        )
        return (
            sorted(opened + left) == sorted(ids(connected.invocations)) and len(opened) == disconnected.count
        )

    await parity.eventually(all_told, deadline_s=PATIENCE_S)
    opened = sorted(log.connections("connection opened"))
    assert COUNT // 4 < len(opened) == len(set(opened))
    assert sorted(log.connections("connection closed")) == opened
    assert sorted(ids(disconnected.invocations)) == opened
    await no_connection(parity, sandbox)
    await idle(parity, sandbox, {"connect", "disconnect", "reply", "silent", "default"})
    assert log.troubles() == []
    assert log.connections("post gave up on a client that does not read") == [lazy_id]
    assert not [line for line in log.lines() if "status=429" in line]
    assert await emulators_memory(sandbox) - before_mb < MAX_GROWTH_MB


async def emulators_memory(sandbox: Sandbox) -> float:
    """Return the resident memory of the emulator's own process in MB."""
    (emulator,) = (row for row in await sandbox.memory() if row["name"] == "emulator")
    return float(emulator["rss_mb"])


async def post_until_refused(parity: Any, connection_id: str) -> str:
    """Post to a client that does not read until that is refused; returns the error's code."""
    client = parity.management(config=Config(retries={"total_max_attempts": 1}))
    while True:
        try:
            await parity.call(client.post_to_connection, ConnectionId=connection_id, Data=b"x" * 131_072)
        except client.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])


def whole(wire: Wire) -> bytes:
    """Return a handshake that is as it should be."""
    host = wire.url.split("/")[2]
    return HANDSHAKE.format(path="/prod", host=host, headers="").encode()


async def drop_at_random(parity: Any, dice: Random) -> None:
    """Open the connections at their rate; returns when the last one is dropped."""
    room = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def peer(dice: Random) -> None:
        async with room, parity.wire() as wire:
            await misbehave(wire, dice)

    async with asyncio.TaskGroup() as peers:
        for number in range(COUNT):
            await asyncio.sleep(began + number / RATE_PER_S - loop.time())  # keeps the rate
            peers.create_task(peer(Random(dice.random())))


async def misbehave(wire: Wire, dice: Random) -> None:
    """Do one of the things that peers do, and leave in one of the ways."""
    early: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"\x16\x03\x01 not tls",
        lambda: b"GET /pr",
        lambda: whole(wire)[:-2],
        lambda: whole(wire),
        lambda: whole(wire) + frame(0x81, REPLY),
    ]
    try:
        if dice.random() < 0.5:
            await wire.write(dice.choice(early)())
        else:
            await wire.write(whole(wire))
            async with asyncio.timeout(PATIENCE_S):
                assert (await wire.reader.readline()).startswith(b"HTTP/1.1 101 ")
                await wire.reader.readuntil(b"\r\n\r\n")
            for _ in range(dice.randrange(4)):
                for data in dice.choice(FRAMES):
                    await wire.write(data)
            if dice.random() < 0.3:
                await wire.write(frame(0x81, REPLY))
                async with asyncio.timeout(PATIENCE_S):
                    await wire.reader.readexactly(2)  # of an answer or of a close frame
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # it was cut for what it sent
    if dice.random() < 0.5:
        wire.writer.close()
