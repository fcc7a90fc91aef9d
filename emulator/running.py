"""A running sandbox: every part, started in the order in which they need each other."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, TypeVar

from emulator import resources
from emulator.alarm import Alarm
from emulator.application import Application, Function
from emulator.applications.source import ApplicationSource
from emulator.aws import Clients
from emulator.clock import SandboxClock
from emulator.control.api import ControlApi
from emulator.control.experiments import Experiments
from emulator.control.looking import Looking
from emulator.destinations import AwsDestinations
from emulator.endpoints import Endpoints
from emulator.errors import InvalidApplication, StartFailed
from emulator.events.api import EventSourceMappingsApi
from emulator.events.checkpoints import Checkpoints, checkpoint_path
from emulator.events.service import EventSources
from emulator.faults import Faults
from emulator.gateway import Certificate, Gateway, GatewayServer, Throttle, create_certificate
from emulator.http import HttpServer
from emulator.localstack.backend import Backend, external_backend
from emulator.localstack.process import LocalStack
from emulator.runtime.api import LambdaApi
from emulator.runtime.inline import InlineEnvironments
from emulator.runtime.service import LambdaService
from emulator.runtime.settings import RuntimeSettings
from emulator.state import Addresses, State, state_path
from emulator.telemetry.timeline import Timeline

INLINE_SETTINGS = RuntimeSettings(max_environments_per_function=8)
"""Threads of one function at most: beyond that they only wait for each other, in one interpreter. Ours."""

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of a running sandbox."""

    application: Application
    backend: Backend
    localstack: LocalStack | None
    functions: LambdaService
    gateways: Sequence[GatewayServer]
    events: EventSources
    timeline: Timeline
    addresses: Addresses
    secret: str
    run_folder: Path

    def state(self, parts: dict[str, float]) -> State:
        """Describe this sandbox to whoever uses it."""
        return State(
            pid=os.getpid(),
            addresses=self.addresses,
            secret=self.secret,
            backend={
                "name": self.backend.name,
                "version": self.backend.version,
                "engine": self.backend.engine,
                "endpoint_url": self.backend.endpoint_url,
            },
            run_folder=str(self.run_folder),
            started_in_s=parts,
        )

    async def backend_failed(self) -> str:
        """Wait until the back end ends by itself; returns what to tell the user."""
        if self.localstack is None:
            await asyncio.Event().wait()
        assert self.localstack is not None
        await self.localstack.died()
        return str(self.localstack.failure())


async def start(
    source: ApplicationSource,
    *,
    run_folder: Path,
    aws_endpoint: str | None,
    port: int,
    secret: str,
    progress: Callable[[str], None],
    timed: Callable[[str], None],
    serving: Callable[[State], None],
    inline_pid: int | None,
    stack: AsyncExitStack,
) -> Running:
    """Start every part; what was started is ended by `stack`, in the opposite order.

    Args:
        aws_endpoint: a running back end; None starts LocalStack.
        port: of the gateway; 0 takes a free one.
        secret: opens the control API.
        progress: is told in words what happens.
        timed: is told which part of the start is done.
        serving: is told that the control API answers; the functions start then.
        inline_pid: of the process whose threads run the functions; None: they are processes of their own.

    Raises:
        StartFailed, BackendFailed, InvalidApplication.
    """
    clock = SandboxClock()
    alarm = Alarm(clock)
    clock.listen(alarm.poke)
    timeline = Timeline(clock)
    faults = Faults()
    inline = InlineEnvironments(inline_pid, run_folder) if inline_pid is not None else None
    localstack = None if aws_endpoint else LocalStack(run_folder, progress)
    progress("Starting LocalStack." if localstack else f"Using the back end at {aws_endpoint}.")
    if localstack is not None:
        stack.push_async_callback(localstack.stop)
    endpoints = Endpoints()
    destinations = AwsDestinations(lambda: endpoints.common["AWS_ENDPOINT_URL"])

    def new_service(functions: Sequence[Function]) -> LambdaService:
        return LambdaService(
            functions,
            environment_variables=endpoints.of,
            clock=clock,
            timeline=timeline,
            sleep=alarm.sleep,
            run_folder=run_folder,
            settings=RuntimeSettings() if inline is None else INLINE_SETTINGS,
            inline=inline,
            destinations=destinations,
            faults=faults,
        )

    backend, (application, certificate, functions) = await _both(
        _start_backend(localstack, aws_endpoint), _prepare(source, new_service, run_folder, stack)
    )
    timed("backend")
    progress("Creating tables, buckets and secrets.")
    await asyncio.to_thread(resources.create, application, Clients(backend.endpoint_url, emulators_own=True))
    timed("resources")

    progress("Starting functions and gateway.")
    lambda_operations = LambdaApi(functions, clock=clock)
    lambda_api = await _serve(lambda_operations, stack)
    gateways = await _start_gateways(
        application,
        functions,
        certificate,
        port,
        stack,
        clock=clock,
        timeline=timeline,
        faults=faults,
        sleep=alarm.sleep,
    )
    endpoints.common |= {
        "AWS_ENDPOINT_URL": backend.endpoint_url,
        "AWS_ENDPOINT_URL_LAMBDA": lambda_api.url,
        "AWS_CA_BUNDLE": str(certificate.ca_bundle),
    }
    endpoints.name_gateways(gateways)
    events = EventSources(
        application,
        invoker=functions,
        destinations=destinations,
        backend_endpoint_url=backend.endpoint_url,
        waits_for_records=backend.waits_for_records,
        clock=clock,
        alarm=alarm,
        faults=faults,
        timeline=timeline,
        random=SystemRandom(),
        # The streams of a back end of our own end with it.
        checkpoints=_checkpoints(application, backend) if localstack is None else None,
    )
    lambda_operations.mount(EventSourceMappingsApi(events, find_function=lambda_operations.find_function))
    localstack_pid = localstack.pid if localstack is not None else None
    looking = Looking(
        application,
        functions,
        [server.gateway.connections for server in gateways],
        events,
        timeline,
        localstack_pid,
        inline,
    )
    experiments = Experiments(
        application,
        clock=clock,
        faults=faults,
        functions=functions,
        gateways=[server.gateway for server in gateways],
        events=events,
        backend=localstack,
        timeline=timeline,
    )
    control = await _serve(ControlApi({**looking.table(), **experiments.table()}, secret), stack)
    if inline is not None:
        stack.callback(inline.end)
    stages = {name: urls for server in gateways for name, urls in server.stage_urls().items()}
    running = Running(
        application=application,
        backend=backend,
        localstack=localstack,
        functions=functions,
        gateways=gateways,
        events=events,
        timeline=timeline,
        addresses=Addresses(
            **next(iter(stages.values())),
            aws_endpoint=backend.endpoint_url,
            lambda_endpoint=lambda_api.url,
            control=control.url,
            ca_bundle=str(certificate.ca_bundle),
            stages=stages,
        ),
        secret=secret,
        run_folder=run_folder,
    )
    serving(running.state({}))
    await functions.start()
    if inline is None:
        await _check_loaded(application, functions)
    timed("functions")
    await events.start()
    stack.push_async_callback(events.stop)
    timed("ready")
    return running


def _checkpoints(application: Application, backend: Backend) -> Checkpoints:
    folder = state_path().parent
    return Checkpoints(
        checkpoint_path(folder, application=application.name, endpoint_url=backend.endpoint_url)
    )


async def _check_loaded(application: Application, functions: LambdaService) -> None:
    """Look whether every function that was started ahead of need can be loaded at all.

    Raises:
        StartFailed: with the error that the function's import gave.
    """
    alive = {environment.function for environment in functions.environments()}
    for function in application.functions:
        if function.provisioned_concurrency and function.name not in alive:
            failure = json.loads((await functions.invoke(function.name, b"{}")).payload)
            raise StartFailed(
                f"The function {function.name} cannot be loaded: {failure.get('errorMessage')}"
                f" ({failure.get('errorType')}); mend {function.handler} or what it imports."
            )


async def _both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Wait for two works; a failure of one ends the other and is raised as it is."""
    first, second = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(first, second)
    finally:
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)


async def _prepare(
    source: ApplicationSource,
    new_service: Callable[[Sequence[Function]], LambdaService],
    run_folder: Path,
    stack: AsyncExitStack,
) -> tuple[Application, Certificate, LambdaService]:
    """Do what needs no back end, while that starts."""
    application = await asyncio.to_thread(source.application)
    functions = new_service(application.functions)
    stack.push_async_callback(functions.stop)
    booting = asyncio.create_task(functions.boot(), name="fork servers")
    certificate = await asyncio.to_thread(create_certificate, run_folder)
    await booting
    return application, certificate, functions


async def _start_gateways(
    application: Application,
    invoker: LambdaService,
    certificate: Certificate,
    port: int,
    stack: AsyncExitStack,
    *,
    clock: SandboxClock,
    timeline: Timeline,
    faults: Faults,
    sleep: Callable[[float], Awaitable[None]],
) -> list[GatewayServer]:
    """Start a gateway with ports of its own for each API; the first one gets `port`."""
    if not application.apis:
        raise InvalidApplication(
            f"{application.name} declares no WebSocket API; declare one with its routes."
        )
    servers: list[GatewayServer] = []
    throttle = Throttle(clock)
    for api in application.apis:
        gateway = Gateway(
            api,
            invoker,
            clock=clock,
            timeline=timeline,
            faults=faults,
            throttle=throttle,
            is_elsewhere=lambda connection_id: any(
                connection_id in server.gateway.connections for server in servers
            ),
            sleep=sleep,
        )
        server = GatewayServer(gateway, certificate, port=0 if servers else port)
        await server.start()
        stack.push_async_callback(server.stop)
        clock.listen(gateway.sweep)
        servers.append(server)
    return servers


async def _start_backend(localstack: LocalStack | None, aws_endpoint: str | None) -> Backend:
    if localstack is None:
        assert aws_endpoint is not None
        return await asyncio.to_thread(external_backend, aws_endpoint)
    await localstack.start()
    return localstack.backend


async def _serve(application: Any, stack: AsyncExitStack) -> HttpServer:
    server = HttpServer(application)
    await server.start()
    stack.push_async_callback(server.stop)
    return server
