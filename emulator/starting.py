"""The steps of a sandbox's start: each makes one part of it, and says how it is ended."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from emulator.alarm import Alarm
from emulator.application import Application, Function
from emulator.applications.source import ApplicationSource
from emulator.clock import SandboxClock
from emulator.errors import InvalidApplication, StartFailed
from emulator.events.checkpoints import Checkpoints, checkpoint_path
from emulator.faults import Fault, Faults
from emulator.gateway import (
    Certificate,
    Gateway,
    GatewayServer,
    Throttle,
    check_api,
    create_certificate,
)
from emulator.http import HttpServer
from emulator.localstack.backend import Backend
from emulator.localstack.external import external_backend
from emulator.localstack.process import LocalStack
from emulator.runtime.places import place_of
from emulator.runtime.service import LambdaService
from emulator.settings import Settings
from emulator.state import state_path
from emulator.telemetry.timeline import Timeline

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Ground:
    """What every part of a sandbox stands on.

    Attributes:
        stack: ends what was started, in the opposite order.
    """

    settings: Settings
    clock: SandboxClock
    alarm: Alarm
    timeline: Timeline
    faults: Faults
    run_folder: Path
    stack: AsyncExitStack

    @classmethod
    def lay(cls, settings: Settings, run_folder: Path, stack: AsyncExitStack) -> "Ground":
        """Make the clock and what hangs on it."""
        clock = SandboxClock()
        alarm = Alarm(clock)
        clock.listen(alarm.poke)
        timeline = Timeline(clock)

        def note(fault: Fault, facts: Mapping[str, str]) -> None:
            timeline.record("fault.struck", fault=fault.kind.value, **facts)

        return cls(settings, clock, alarm, timeline, Faults(note), run_folder, stack)


async def start_backend(localstack: LocalStack | None, aws_endpoint: str | None) -> Backend:
    """Wait for LocalStack, or look at the back end that was named."""
    if localstack is None:
        assert aws_endpoint is not None
        return await asyncio.to_thread(external_backend, aws_endpoint)
    await localstack.start()
    return localstack.backend


async def prepare(
    source: ApplicationSource, new_service: Callable[[Sequence[Function]], LambdaService], ground: Ground
) -> tuple[Application, Certificate, LambdaService]:
    """Do what needs no back end, while that starts.

    Raises:
        InvalidApplication: the application contradicts itself, or has no API.
    """
    application = await asyncio.to_thread(source.application)
    if not application.apis:
        raise InvalidApplication(
            f"{application.name} declares no WebSocket API; declare one with its routes."
        )
    for api in application.apis:
        check_api(api)
    functions = new_service(application.functions)
    ground.stack.push_async_callback(functions.stop)
    _, certificate = await both(functions.boot(), asyncio.to_thread(create_certificate, ground.run_folder))
    return application, certificate, functions


async def start_gateways(
    application: Application, invoker: LambdaService, certificate: Certificate, port: int, ground: Ground
) -> list[GatewayServer]:
    """Start a gateway with ports of its own for each API; the first one gets `port`."""
    servers: list[GatewayServer] = []
    throttle = Throttle(ground.clock, ground.settings.account)

    def is_elsewhere(connection_id: str) -> bool:
        return any(connection_id in server.gateway.connections for server in servers)

    for api in application.apis:
        gateway = Gateway(
            api,
            invoker,
            clock=ground.clock,
            timeline=ground.timeline,
            settings=ground.settings.gateway,
            faults=ground.faults,
            throttle=throttle,
            is_elsewhere=is_elsewhere,
            sleep=ground.alarm.sleep,
        )
        server = GatewayServer(gateway, certificate, port=0 if servers else port)
        await server.start()
        ground.stack.push_async_callback(server.stop)
        ground.clock.listen(gateway.sweep)
        servers.append(server)
    return servers


def find_checkpoints(application: Application, backend: Backend) -> Checkpoints:
    """Return the checkpoints that outlive the sandbox: of an application on a back end that does so too."""
    folder = state_path().parent
    return Checkpoints(
        checkpoint_path(folder, application=application.name, endpoint_url=backend.endpoint_url)
    )


async def check_loaded(application: Application, functions: LambdaService) -> None:
    """Look whether every function that was started ahead of need can be loaded at all.

    Raises:
        StartFailed: with the error that the function's import gave.
    """
    alive = {environment.function for environment in functions.environments()}
    for function in application.functions:
        if function.provisioned_concurrency and function.name not in alive:
            failure = json.loads((await functions.invoke(function.name, b"{}")).payload)
            place = place_of(failure.get("stackTrace") or ())
            raise StartFailed(
                f"The function {function.name} cannot be loaded: {failure.get('errorMessage')}"
                f" ({failure.get('errorType')}{f', in {place}' if place else ''});"
                f" mend {function.handler} or what it imports."
            )


async def serve(application: Any, ground: Ground) -> HttpServer:
    """Serve an ASGI application on a free port."""
    server = HttpServer(application)
    await server.start()
    ground.stack.push_async_callback(server.stop)
    return server


async def both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Wait for two works; a failure of one ends the other and is raised as it is."""
    first, second = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(first, second)
    finally:
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
