"""The fixtures of `tests/parity`, which its conftest.py imports."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from emulator import Sandbox
from emulator.application import Function, WebSocketApi
from emulator.gateway import Certificate, GatewaySettings, create_certificate
from emulator.gateway.throttling import AccountLimits
from emulator.runtime import LambdaService, RuntimeSettings
from scripts.parity_harness.defaults import policy as make_policy
from scripts.parity_harness.ours import Ours, ours
from scripts.parity_harness.own import OwnGateway, own_service
from scripts.parity_harness.parity import Parity
from scripts.parity_harness.queues import MappedQueue
from scripts.parity_harness.recorder import FunctionScript, Recorder
from scripts.parity_harness.script import NOTHING, Steps
from scripts.parity_harness.streams import MappedStream
from scripts.parity_harness.tables import OwnTable
from scripts.parity_harness.target import Target, code_folder

TARGET = os.environ.get("PARITY_TARGET", "streamer")
"""What the suite is pointed at: `streamer` or `ministack`."""


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    """The server that the functions ask what to do."""
    running = Recorder()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def parity_target(recorder: Recorder, sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Target]:
    """The target with the application deployed, one for the whole run."""
    if TARGET == "streamer":
        with ours(recorder, sandbox_loop) as target:
            yield target
    else:
        from scripts.parity_harness.ministack import ministack

        with ministack(recorder) as other:
            yield other


@pytest_asyncio.fixture
async def parity(parity_target: Target, recorder: Recorder) -> AsyncIterator[Parity]:
    """The target as a row test uses it."""
    recorder.reset()
    view = Parity(parity_target, recorder)
    yield view
    await view.end()


@pytest_asyncio.fixture
async def map_stream(parity: Parity) -> AsyncIterator[Callable[..., Any]]:
    """Make a table with a stream that no other test has: `stream = await map_stream("KEYS_ONLY")`."""
    made: list[MappedStream] = []

    async def make(*arguments: Any) -> MappedStream:
        made.append(await MappedStream.create(parity, *arguments))
        return made[-1]

    yield make
    for one in made:
        await one.end()


@pytest_asyncio.fixture
async def stream(map_stream: Callable[..., Any]) -> MappedStream:
    """A table with a stream of both images, and mappings that the test makes for it at run time."""
    made: MappedStream = await map_stream()
    return made


@pytest_asyncio.fixture
async def map_queue(parity: Parity) -> AsyncIterator[Callable[..., Any]]:
    """Make a queue that no other test has: `queue = await map_queue(max_receive_count=2)`."""
    made: list[MappedQueue] = []

    async def make(**options: Any) -> MappedQueue:
        made.append(await MappedQueue.create(parity, **options))
        return made[-1]

    yield make
    for one in made:
        await one.end()


@pytest_asyncio.fixture
async def queue(map_queue: Callable[..., Any]) -> MappedQueue:
    """A queue with a dead-letter queue, and mappings that the test makes for it at run time."""
    made: MappedQueue = await map_queue()
    return made


@pytest.fixture
def make_table(parity: Parity) -> Iterator[Callable[..., OwnTable]]:
    """Make a table that no other test has, for blocking calls: `make_table("KEYS_ONLY", {"pk": "S"})`."""
    made: list[OwnTable] = []

    def make(*arguments: Any, **options: Any) -> OwnTable:
        clients = parity.boto3("dynamodb"), parity.boto3("dynamodbstreams")
        made.append(OwnTable.create(*clients, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        with suppress(one.dynamodb.exceptions.ResourceNotFoundException):
            one.dynamodb.delete_table(TableName=one.name)


@pytest.fixture
def table(make_table: Callable[..., OwnTable]) -> OwnTable:
    """A table with a stream of both images."""
    return make_table()


@pytest.fixture
def function(recorder: Recorder) -> Callable[[str], FunctionScript]:
    """Program a function of `start_gateway`, as `parity.function` does for the target's."""
    recorder.reset()
    return lambda name: FunctionScript(recorder, name)


@pytest.fixture
def policy() -> Callable[..., dict[str, Any]]:
    """Make an authorizer's answer: `policy(event, "Deny", context={…})`."""
    return make_policy


@pytest.fixture
def steps() -> Steps:
    """No steps yet; `steps.prints("hello").returns({"statusCode": 200})`."""
    return NOTHING


@pytest.fixture(scope="session")
def sandbox(parity_target: Target) -> Sandbox:
    """Our sandbox, for what no other target has: timeline, environments, faults."""
    assert isinstance(parity_target, Ours)
    return parity_target.sandbox


@pytest.fixture(scope="session")
def parity_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return create_certificate(tmp_path_factory.mktemp("certificates"))


@pytest_asyncio.fixture
async def start_gateway(
    recorder: Recorder, parity_certificate: Certificate
) -> AsyncIterator[Callable[..., Any]]:
    """Start a gateway of ours with settings and a clock of its own: `await start_gateway(api, settings)`.

    `limits=` are the account's, for throttling.
    """
    recorder.reset()
    async with AsyncExitStack() as stack:

        async def start(
            api: WebSocketApi,
            settings: GatewaySettings | None = None,
            *,
            limits: AccountLimits | None = None,
        ) -> OwnGateway:
            own = OwnGateway(api, settings or GatewaySettings(), recorder, limits)
            return await stack.enter_async_context(own.running(parity_certificate))

        yield start
        recorder.forget_scripts()
    recorder.reset()


@pytest.fixture(scope="session")
def parity_code() -> Iterator[Path]:
    """The folder of the generic handler, for functions of `start_service`."""
    with code_folder() as code:
        yield code


@pytest_asyncio.fixture
async def start_service(recorder: Recorder, parity_code: Path) -> AsyncIterator[Callable[..., Any]]:
    """Start a Lambda service of ours with settings of its own.

    `await start_service({"name": {"timeout_s": 1}}, RuntimeSettings(…))`: each function is the generic
    handler with what is given.
    """
    recorder.reset()
    async with AsyncExitStack() as stack:

        async def start(
            functions: dict[str, dict[str, Any]], settings: RuntimeSettings | None = None, **options: Any
        ) -> LambdaService:
            declared: Sequence[Function] = [
                Function(
                    **{
                        "name": name,
                        "handler": "generic.handler",
                        "code": parity_code,
                        **special,
                        "environment": {
                            "PARITY_RECORDER": recorder.address,
                            **special.get("environment", {}),
                        },
                    }
                )
                for name, special in functions.items()
            ]
            service = own_service(declared, settings or RuntimeSettings(), **options)
            return await stack.enter_async_context(service)

        yield start
        recorder.forget_scripts()
    recorder.reset()
