"""Our emulator as a target: one `Sandbox`."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from emulator import Sandbox
from emulator.aws import Clients
from emulator.testing import run_in
from scripts.parity_harness.apis import APIS
from scripts.parity_harness.deadline import DEADLINE_S
from scripts.parity_harness.recorder import Recorder
from scripts.parity_harness.target import code_folder

APPLICATION = "scripts.parity_harness.application"

FIRST_STAGES = {api.name: api.stage for api in APIS}


class Ours:
    """A running sandbox with the suite's application.

    Attributes:
        sandbox: for what only ours has: timeline, environments, faults.
    """

    name = "streamer"

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        addresses = sandbox.addresses
        self._clients = Clients(addresses.aws_endpoint, lambda_endpoint_url=addresses.lambda_endpoint)

    def websocket_url(self, api: str, stage: str | None = None) -> str:
        """See `Target`."""
        return self._stage(api, stage)["websocket"]

    def management_url(self, api: str, stage: str | None = None) -> str:
        """See `Target`."""
        return self._stage(api, stage)["management"]

    def boto3(self, service: str, **options: Any) -> Any:
        """See `Target`."""
        return self._clients.new(service, **options) if options else self._clients(service)

    async def advance(self, seconds: float) -> None:
        """See `Target`."""
        await self.sandbox.advance_clock(seconds)

    async def log(self, function: str, request_id: str) -> str:
        """See `Target`."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for log in await self.sandbox.logs(function):
                    if log["request_id"] == request_id:
                        return str(log["log"])
                await asyncio.sleep(0.01)

    def _stage(self, api: str, stage: str | None) -> Mapping[str, str]:
        return self.sandbox.addresses.stages[f"{api}/{stage or FIRST_STAGES[api]}"]


@contextmanager
def ours(recorder: Recorder, loop: asyncio.AbstractEventLoop) -> Iterator[Ours]:
    """Run a sandbox whose handle lives in `loop`, which another thread runs."""
    with code_folder() as code:
        options = {"recorder": recorder.address, "code": str(code)}
        sandbox = run_in(loop, Sandbox.start(APPLICATION, options=options))
        try:
            yield Ours(sandbox)
        finally:
            run_in(loop, sandbox.stop())
