"""What a row test holds in its hands: functions to program, sockets to open, clients to call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from scripts.parity_harness.apis import APIS
from scripts.parity_harness.deadline import DEADLINE_S
from scripts.parity_harness.recorder import FunctionScript, Invocation, Recorder
from scripts.parity_harness.signed import Answer, request
from scripts.parity_harness.sockets import Refusal, Socket, Wire, dial, wire
from scripts.parity_harness.target import Target

T = TypeVar("T")

SETTLE_S = 20.0
"""Seconds that the `$disconnect` invocations of a test are waited for at its end: one that comes later would
count in the next test. They all come; a busy machine takes its time."""

RETRY_S = 60
"""Longer than most waits before another attempt."""

GLANCE_S = 0.05
"""How long an attempt is waited for before the clock is advanced once more."""

FUNCTIONS = {api.name: {route.key: route.function for route in api.routes} for api in APIS}


class Parity:
    """One test's view of the target; connections are closed and scripts forgotten at its end.

    Attributes:
        target: what the suite is pointed at.
    """

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self.target = target
        self._recorder = recorder
        self._opened: list[tuple[str, Socket]] = []
        self._upgraded: list[str] = []

    # Functions

    def function(self, name: str) -> FunctionScript:
        """Return a function of `scripts.parity_harness.application` to program and to look at."""
        return FunctionScript(self._recorder, name)

    async def invoke(self, function: str, payload: bytes | str = b"{}", **options: Any) -> dict[str, Any]:
        """Call `Invoke` of boto3's `lambda` client; `Payload` of the answer is read."""
        client = self.boto3("lambda")
        data = payload.encode() if isinstance(payload, str) else payload

        def call() -> dict[str, Any]:
            answer: dict[str, Any] = client.invoke(FunctionName=function, Payload=data, **options)
            return {**answer, "Payload": answer["Payload"].read()}

        return await asyncio.to_thread(call)

    # Sockets

    async def dial(
        self, api: str = "main", path: str = "", *, stage: str | None = None, **options: Any
    ) -> Socket | Refusal:
        """Try to connect; `path` is appended to the stage's URL.

        Args:
            options: of `websockets.connect`: `additional_headers`, `subprotocols`, `compression` …
        """
        found = await dial(self.target.websocket_url(api, stage) + path, **options)
        if isinstance(found, Socket):
            self._opened.append((api, found))
        return found

    async def connect(self, api: str = "main", path: str = "", **options: Any) -> Socket:
        """Connect; fails where the handshake is refused. Takes what `dial` takes."""
        found = await self.dial(api, path, **options)
        assert isinstance(found, Socket), f"The handshake was refused: {found}"
        return found

    async def open(self, api: str = "main", path: str = "", **options: Any) -> Socket:
        """Connect to an API with a `$connect` function, and take its event: `socket.event`."""
        socket = await self.connect(api, path, **options)
        socket.event = await self.function(FUNCTIONS[api]["$connect"]).event()
        return socket

    async def refused(self, api: str = "main", path: str = "", **options: Any) -> Refusal:
        """Try to connect; fails where that works."""
        found = await self.dial(api, path, **options)
        assert isinstance(found, Refusal), "The handshake was accepted."
        return found

    @asynccontextmanager
    async def wire(self, api: str = "main", *, stage: str | None = None) -> AsyncIterator[Wire]:
        """Open a TCP connection to an API's port; every byte is the test's."""
        async with wire(self.target.websocket_url(api, stage)) as opened:
            try:
                yield opened
            finally:
                if opened.is_upgraded:
                    self._upgraded.append(api)

    # Clients

    def boto3(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of the target; its calls block, so run them by `call`.

        Args:
            options: of `boto3.client`, which makes it one of its own.
        """
        return self.target.boto3(service, **options)

    def management(self, api: str = "main", stage: str | None = None, **options: Any) -> Any:
        """Return a boto3 client of an API's `@connections`."""
        url = self.target.management_url(api, stage)
        return self.target.boto3("apigatewaymanagementapi", endpoint_url=url, **options)

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        api: str = "main",
        stage: str | None = None,
        **options: Any,
    ) -> Answer:
        """Send a signed HTTP request to an API's stage, `path` to the letter; takes what `request` takes."""
        return await request(method, self.target.management_url(api, stage) + path, body, **options)

    async def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run a blocking call in a thread, so that the sockets of this process go on."""
        return await asyncio.to_thread(function, *arguments, **options)

    async def eventually(self, check: Callable[[], Any], *, deadline_s: float = DEADLINE_S) -> Any:
        """Return what `check()` (in a thread) gives as soon as it is true; for what nothing announces."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        while not (found := await asyncio.to_thread(check)):
            assert loop.time() < end, f"It did not happen within {deadline_s:g} s; last seen: {found!r}"
            await asyncio.sleep(0.02)
        return found

    async def received_from(self, queue: str, *, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """Take the next message of an SQS queue and delete it: its `Body`, `Attributes` and so on."""
        sqs = self.boto3("sqs")

        def receive() -> Any:
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            page = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            for message in page.get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return message
            return None

        message: dict[str, Any] = await self.eventually(receive, deadline_s=deadline_s)
        return message

    # Time and logs

    async def advance(self, seconds: float) -> None:
        """Move the target's time forward; a target whose time stands firm skips the test."""
        await self.target.advance(seconds)

    async def retried(self, script: FunctionScript) -> Invocation:
        """Return a function's next invocation, however long it is waited before it: advances the clock."""
        return await self.advancing(lambda: script.invocation(deadline_s=GLANCE_S))

    async def advancing(self, look: Callable[[], Awaitable[T]]) -> T:
        """Return what `look()` finds; advances the clock by a minute as often as it finds nothing.

        Raises:
            AssertionError: nothing, however often; `look` raises it for each time.
        """
        for _ in range(round(DEADLINE_S / GLANCE_S)):
            with suppress(AssertionError):
                return await look()
            await self.advance(RETRY_S)
        return await look()

    async def log(self, function: str, request_id: str) -> str:
        """Return what one invocation logged."""
        return await self.target.log(function, request_id)

    def let_go(self) -> None:
        """Let go on what a test holds, and forget its scripts."""
        self._recorder.forget_scripts()

    async def end(self) -> None:
        """Close what is open, and wait until its `$disconnect` was invoked, so that none comes later."""
        self.let_go()
        for _, socket in self._opened:
            await socket.close()
        expected: dict[str, int] = {}
        for api in (*(api for api, _ in self._opened), *self._upgraded):
            if "$disconnect" in FUNCTIONS[api]:
                function = FUNCTIONS[api]["$disconnect"]
                expected[function] = expected.get(function, 0) + 1
        with suppress(AssertionError):
            await self._recorder.until(
                lambda: all(self.function(name).count >= count for name, count in expected.items()) or None,
                lambda: "not every connection's $disconnect came",
                deadline_s=SETTLE_S,
            )
        self._recorder.reset()
