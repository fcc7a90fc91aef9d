"""Connections in any order: a real gateway against a small model of the rows.

The wire is in memory and behaves as the server does towards an application: what the gateway closes and what
is cut comes back as the end of the connection.
"""

import asyncio
import json
from dataclasses import dataclass, field
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from emulator.application import Route, WebSocketApi
from emulator.clock import ManualClock, timestamp
from emulator.gateway import Gateway
from emulator.gateway.protocols import Peer
from emulator.invocation import InvocationResult
from emulator.telemetry.timeline import Timeline

ROUTES = (
    Route("$connect", "connect"),
    Route("$disconnect", "disconnect"),
    Route("echo", "echo", route_response=True),
    Route("silent", "echo"),
    Route("broken", "broken", route_response=True),
)
SIGNED = [
    (b"x-amz-date", b"20240120T115457Z"),
    (
        b"authorization",
        b"AWS4-HMAC-SHA256 Credential=x/20240120/us-east-1/execute-api/aws4_request,"
        b" SignedHeaders=host;x-amz-date, Signature=0f",
    ),
]
IDLE_S, LONGEST_S = 600, 7_200
FRAMES = ((1005, ""), (1001, ""), (4000, "bye"))
"""Close frames of clients: code and reason."""

TURNS = 40
"""Turns of the loop after which everything that one step set off is done; about ten are needed."""


class Functions:
    """What is behind the routes; `$connect` waits until its connection may have its answer."""

    def __init__(self):
        self.disconnects = []
        self.connection_ids = []
        self.answers = {}

    async def invoke(self, function, payload, **_):
        event = json.loads(payload)
        context = event["requestContext"]
        if function == "connect":
            self.connection_ids.append(context["connectionId"])
            answer = self.answers[context["connectionId"]] = asyncio.get_running_loop().create_future()
            status = await answer
            if status is None:
                return InvocationResult("r", b"{}", "Unhandled")
            return InvocationResult("r", json.dumps({"statusCode": status}).encode())
        if function == "disconnect":
            facts = context["disconnectStatusCode"], context["disconnectReason"]
            self.disconnects.append((context["connectionId"], *facts))
        if function == "broken":
            return InvocationResult("r", b"{}", "Unhandled")
        return InvocationResult("r", json.dumps({"statusCode": 500, "body": event.get("body")}).encode())


@dataclass
class Wire:
    """One client's side, and what the rows say must have happened to it."""

    id: str = ""
    inbox: asyncio.Queue = field(default_factory=asyncio.Queue)
    sent: list = field(default_factory=list)
    is_lost: bool = False
    expected: list = field(default_factory=list)
    state: str = "connecting"
    opened_at: float = 0.0
    active_at: float = 0.0

    async def send(self, message):
        if self.is_lost:
            raise OSError
        kind = message["type"].removeprefix("websocket.")
        if kind == "send":
            self.sent.append(message["text"])
        elif kind == "close":
            self.is_lost = True
            self.sent.append((message["code"], message["reason"]))
            self.inbox.put_nowait({**message, "type": "websocket.disconnect"})
        elif kind != "http.response.body":
            self.sent.append(message.get("status", 101))

    def lose(self, **close_frame):
        """End the connection from the client's side; without a close frame as the server says it."""
        self.is_lost = True
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1005, **close_frame})


class Connections(RuleBasedStateMachine):
    """Drives a gateway; every rule says what the rows want, every step compares."""

    wires = Bundle("wires")

    @initialize()
    def start(self):
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.functions = Functions()
        self.gateway = Gateway(
            WebSocketApi("any", ROUTES),
            self.functions,
            clock=self.clock,
            timeline=Timeline(self.clock),
            random=Random(1),
        )
        self.all = []
        self.disconnects = []
        self.serving = []

    def run(self, *awaitables):
        """Let the loop turn until what these set off is done; returns their results."""

        async def turn():
            tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
            for _ in range(TURNS):
                await asyncio.sleep(0)
            return [task.result() for task in tasks]

        return self.runner.run(turn())

    def call(self, method, wire, data=b""):
        """Call `@connections`; returns status, exception and body."""
        sent = []

        async def receive():
            return {"type": "http.request", "body": data}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "raw_path": f"/local/@connections/{wire.id}".encode(),
            "query_string": b"",
            "headers": SIGNED,
        }
        self.run(self.gateway(scope, receive, send))
        error = dict(sent[0]["headers"]).get(b"x-amzn-ErrorType", b"").decode()
        return sent[0]["status"], error, sent[1]["body"]

    def ended(self, wire, code, reason):
        """Note that a connection that was open is over."""
        wire.state = "closed"
        self.disconnects.append((wire.id, code, reason))

    @rule(target=wires)
    def connect(self):
        """A connection that is open."""
        wire = self.begin()
        self.answer(wire, 200)
        return wire

    @rule(target=wires)
    def begin(self):
        """A4: the upgrade is held until `$connect` has answered."""
        wire = Wire()
        wire.inbox.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": "/local",
            "raw_path": b"/local",
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "extensions": {"gateway": Peer([("Host", "x")], wire.lose)},
        }

        async def serve():
            self.serving.append(asyncio.ensure_future(self.gateway(scope, wire.inbox.get, wire.send)))

        self.run(serve())
        wire.id = self.functions.connection_ids[-1]
        wire.opened_at = wire.active_at = self.clock.monotonic()
        self.all.append(wire)
        return wire

    @rule(wire=wires, status=st.sampled_from([200, 201, 301, 400, 401, 403, 501, None]))
    def answer(self, wire, status):
        """A6 to A8: 2xx opens, another status is the handshake's, a failed function is 502."""
        future = self.functions.answers[wire.id]
        if future.done():
            return

        async def tell():
            future.set_result(status)

        is_accepted = status in (200, 201)
        if wire.state == "left":
            wire.state = "closed"
        else:
            wire.expected.append(101 if is_accepted else status or 502)
            wire.state = "open" if is_accepted else "closed"
        self.run(tell())

    @rule(wire=wires, action=st.sampled_from(["echo", "silent", "broken", "unknown", "$connect"]))
    def message(self, wire, action):
        """A25 to A36: route responses, silence, and the gateway's own error frames."""
        if wire.state != "open":
            return
        text = json.dumps({"action": action})
        wire.inbox.put_nowait({"type": "websocket.receive", "text": text})
        self.run()
        wire.active_at = self.clock.monotonic()
        if action == "echo":
            wire.expected.append(text)
        elif action != "silent":
            words = "Internal server error" if action == "broken" else "Forbidden"
            request_id = json.loads(wire.sent[-1])["requestId"]
            wire.expected.append(
                f'{{"message": "{words}", "connectionId":"{wire.id}", "requestId":"{request_id}"}}'
            )

    def binary(self, wire):
        """A50: 1003."""
        if wire.state == "open":
            wire.inbox.put_nowait({"type": "websocket.receive", "bytes": b"x"})
            self.run()
            wire.expected.append((1003, "Binary frames are not supported"))
            self.ended(wire, *wire.expected[-1])

    @rule(wire=wires, size=st.sampled_from([0, 1, 131_072, 131_073]))
    def post(self, wire, size):
        """D4, D6, D8, D13: 200, 410 unless open, 413 above 128 KB; A55: a post is activity."""
        answer = self.call("POST", wire, b"x" * size)
        if wire.state != "open":
            assert answer == (410, "GoneException", b"")
        elif size > 131_072:
            assert answer[:2] == (413, "PayloadTooLargeException")
        else:
            assert answer == (200, "", b"")
            wire.expected.append("x" * size)
            wire.active_at = self.clock.monotonic()

    @rule(wire=wires)
    def get(self, wire):
        """D5: times and identity of an open connection."""
        status, error, body = self.call("GET", wire)
        if wire.state != "open":
            assert (status, error, body) == (410, "GoneException", b"")
            return
        start = self.clock.now() - self.clock.monotonic()
        assert json.loads(body) == {
            "connectedAt": timestamp(start + wire.opened_at),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": ""},
            "lastActiveAt": timestamp(start + wire.active_at),
        }

    def delete(self, wire):
        """D16: 204, then 1000."""
        answer = self.call("DELETE", wire)
        if wire.state != "open":
            assert answer == (410, "GoneException", b"")
            return
        assert answer == (204, "", b"")
        wire.expected.append((1000, "Connection Closed Normally"))
        self.ended(wire, *wire.expected[-1])

    @rule(seconds=st.sampled_from([1, 299, 599, 600]))
    def wait(self, seconds):
        """A54, A17: ten idle minutes or two hours end a connection with 1001."""
        self.clock.advance(seconds)

        async def sweep():
            self.gateway.sweep()

        self.run(sweep())
        now = self.clock.monotonic()
        for wire in self.all:
            if wire.state == "open" and now >= min(wire.active_at + IDLE_S, wire.opened_at + LONGEST_S):
                wire.expected.append((1001, "Going away"))
                self.ended(wire, *wire.expected[-1])

    @rule(rounds=st.integers(1, 25))
    def stay_busy(self, rounds):
        """A17: two hours are the end however busy a connection is."""
        for _ in range(rounds):
            for wire in self.all:
                if wire.state == "open":
                    self.post(wire, 1)
            self.wait(300)

    def leave(self, wire, frame):
        """A59: the client's own code, 1005 without one, 1006 without a frame; A12: nothing before 101."""
        if wire.state not in ("open", "connecting"):
            return
        wire.lose(**({} if frame is None else {"code": frame[0], "reason": frame[1]}))
        self.run()
        if wire.state == "connecting":
            wire.state = "left"
        elif frame is None:
            self.ended(wire, 1006, "")
        elif frame[0] == 1005:
            self.ended(wire, 1005, "Client-side close frame status not set")
        else:
            self.ended(wire, *frame)

    def cut(self, wire):
        """A cut connection is 1006; only an open one can be cut."""

        async def cut():
            return self.gateway.cut(wire.id)

        assert self.run(cut()) == [wire.state == "open"]
        if wire.state == "open":
            self.ended(wire, 1006, "")

    @rule(wire=wires, end=st.sampled_from(["binary", "delete", "cut", None, *FRAMES]))
    def end(self, wire, end):
        """One of the ways in which a connection ends; whether it was open or not."""
        if isinstance(end, str):
            getattr(self, end)(wire)
        else:
            self.leave(wire, end)

    @invariant()
    def as_the_rows_say(self):
        """What each client got, what each `$disconnect` was told, and nothing left of what is over."""
        if not hasattr(self, "runner"):
            return
        assert [wire.sent for wire in self.all] == [wire.expected for wire in self.all]
        assert sorted(self.functions.disconnects) == sorted(self.disconnects)
        there = [wire.id for wire in self.all if wire.state in ("open", "connecting", "left")]
        assert len(self.gateway.connections) == len(there)
        assert all(connection_id in self.gateway.connections for connection_id in there)
        assert sum(not task.done() for task in self.serving) == len(there)
        assert not self.gateway._tasks

    def teardown(self):
        """Whatever is still there is closed with 1001."""

        async def end():
            for future in self.functions.answers.values():
                if not future.done():
                    future.set_result(403)
            await self.gateway.close(timeout_s=1)
            await asyncio.wait_for(asyncio.gather(*self.serving), 10)

        if hasattr(self, "runner"):
            self.run(end())
            for wire in self.all:
                if wire.state == "open":
                    assert wire.sent[-1] == (1001, "Going away")
            assert len(self.gateway.connections) == 0
            self.runner.close()


TestConnections = Connections.TestCase
TestConnections.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
