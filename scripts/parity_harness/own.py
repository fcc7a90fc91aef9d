"""Parts of ours that a test starts for itself, with settings of its own."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from emulator.application import Function, WebSocketApi
from emulator.aws import Clients
from emulator.clock import ManualClock
from emulator.faults import Faults
from emulator.gateway import Certificate, Gateway, GatewayServer, GatewaySettings
from emulator.gateway.throttling import AccountLimits, Throttle
from emulator.invocation import InvocationResult
from emulator.runtime import LambdaService, RuntimeSettings
from emulator.telemetry.timeline import Timeline
from scripts.parity_harness.recorder import Recorder
from scripts.parity_harness.script import Steps
from scripts.parity_harness.sockets import Refusal, Socket, Wire, dial, wire


class ScriptedInvoker:
    """Answers for the Lambda service from the test's scripts, without a process.

    It knows the steps `give` and `fail`, sleeping and holding; a step that needs a process is an error.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def invoke(self, function: str, payload: bytes, **options: Any) -> InvocationResult:
        """Run the script of `function`."""
        facts: Mapping[str, Any] = {
            "function": function,
            "event": json.loads(payload),
            "context": {},
            "environment": {},
            "instance": "in-process",
            "count": 0,
            "pid": 0,
        }
        _, steps = await asyncio.to_thread(self._recorder.invoked, facts)
        return await _take(steps)

    async def invoke_event(self, function: str, payload: bytes, **options: Any) -> str:
        """Run it in the background."""
        raise NotImplementedError("A gateway invokes no function asynchronously.")


async def _take(steps: Steps) -> InvocationResult:
    result = b"null"
    for name, arguments in steps.steps:
        match name:
            case "give":
                result = json.dumps(arguments[0]).encode()
            case "give_bytes":
                result = base64.b64decode(arguments[0])
            case "sleep":
                await asyncio.sleep(arguments[0])
            case "fail":
                kind, message = arguments
                error = {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": []}
                return InvocationResult("scripted", json.dumps(error).encode(), "Unhandled")
            case _:
                raise NotImplementedError(f"The step {name!r} needs a process: use the sandbox.")
    return InvocationResult("scripted", result)


class OwnGateway:
    """A gateway of one test.

    Attributes:
        clock: stands still until the test advances it.
        timeline: what happened; `faults`: what shall go wrong.
    """

    def __init__(
        self, api: WebSocketApi, settings: GatewaySettings, recorder: Recorder, limits: AccountLimits | None
    ) -> None:
        self.api = api
        self.clock = ManualClock()
        self.timeline = Timeline(self.clock)
        self.faults = Faults()
        self.gateway = Gateway(
            api,
            ScriptedInvoker(recorder),
            clock=self.clock,
            timeline=self.timeline,
            random=Random(1),
            settings=settings,
            faults=self.faults,
            throttle=Throttle(self.clock, limits),
        )
        self._sockets: list[Socket] = []
        self._server: GatewayServer | None = None

    @asynccontextmanager
    async def running(self, certificate: Certificate) -> AsyncIterator["OwnGateway"]:
        """Listen until the block ends."""
        self._server = GatewayServer(self.gateway, certificate)
        await self._server.start()
        try:
            yield self
        finally:
            for socket in self._sockets:
                await socket.close()
            await self._server.stop(timeout_s=1)

    def url(self, stage: str | None = None, *, kind: str = "websocket") -> str:
        """Return a stage's address: `websocket`, `management` or `https`."""
        assert self._server is not None
        return self._server.stage_urls()[f"{self.api.name}/{stage or self.api.stage}"][kind]

    async def dial(self, path: str = "", *, stage: str | None = None, **options: Any) -> Socket | Refusal:
        """Try to connect."""
        found = await dial(self.url(stage) + path, **options)
        if isinstance(found, Socket):
            self._sockets.append(found)
        return found

    async def connect(self, path: str = "", **options: Any) -> Socket:
        """Connect; fails where the handshake is refused."""
        found = await self.dial(path, **options)
        assert isinstance(found, Socket), f"The handshake was refused: {found}"
        return found

    async def refused(self, path: str = "", **options: Any) -> Refusal:
        """Try to connect; fails where that works."""
        found = await self.dial(path, **options)
        assert isinstance(found, Refusal), "The handshake was accepted."
        return found

    @asynccontextmanager
    async def wire(self, stage: str | None = None) -> AsyncIterator[Wire]:
        """Open a TCP connection; every byte is the test's."""
        async with wire(self.url(stage)) as opened:
            yield opened

    def management(self, stage: str | None = None, **options: Any) -> Any:
        """Return a boto3 client of its `@connections`."""
        url = self.url(stage, kind="management")
        return Clients(url).new("apigatewaymanagementapi", endpoint_url=url, **options)

    def advance(self, seconds: float) -> None:
        """Move its clock, and let it look at what is due."""
        self.clock.advance(seconds)
        self.gateway.sweep()


@asynccontextmanager
async def own_service(
    functions: Sequence[Function], settings: RuntimeSettings, **options: Any
) -> AsyncIterator[LambdaService]:
    """Run a Lambda service of real processes until the block ends; `options` are the service's own."""
    service = LambdaService(functions, settings=settings, **options)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
