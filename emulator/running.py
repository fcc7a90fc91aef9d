"""A running sandbox: every part, started in the order in which they need each other."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

from emulator import resources
from emulator.application import Application, Function
from emulator.applications.source import ApplicationSource
from emulator.aws import Clients
from emulator.clock import SandboxClock
from emulator.control.api import ControlApi, Handler
from emulator.control.experiments import Experiments
from emulator.control.looking import Looking
from emulator.destinations import AwsDestinations
from emulator.endpoints import Endpoints
from emulator.events.api import EventSourceMappingsApi
from emulator.events.checkpoints import Checkpoints
from emulator.events.service import EventSources
from emulator.events.services import Services
from emulator.gateway import Certificate, GatewayServer
from emulator.localstack.backend import Backend
from emulator.localstack.process import LocalStack
from emulator.runtime.api import LambdaApi
from emulator.runtime.inline import InlineEnvironments
from emulator.runtime.service import LambdaService
from emulator.settings import Settings
from emulator.starting import (
    Ground,
    both,
    check_loaded,
    find_checkpoints,
    prepare,
    serve,
    start_backend,
    start_gateways,
)
from emulator.state import Addresses, State


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of a running sandbox."""

    backend: Backend
    localstack: LocalStack | None
    clock: SandboxClock
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
                "session_token": self.backend.session_token,
            },
            run_folder=str(self.run_folder),
            started_in_s=parts,
            clock_offset_s=self.clock.offset_s,
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
    localstack: LocalStack | None,
    aws_endpoint: str | None,
    port: int,
    settings: Mapping[str, Mapping[str, Any]],
    secret: str,
    progress: Callable[[str], None],
    timed: Callable[[str], None],
    serving: Callable[[State], None],
    inline_pid: int | None,
    stack: AsyncExitStack,
) -> Running:
    """Start every part; what was started is ended by `stack`, in the opposite order.

    Args:
        localstack: launched, and ended by the caller; None where a back end is named.
        aws_endpoint: of that back end.
        port: of the first API's gateway; 0 takes a free one.
        settings: what differs from the defaults; see `emulator.settings.Settings.changed`.
        secret: opens the control API.
        progress: is told in words what happens.
        timed: is told which part of the start is done.
        serving: is told that the control API answers; the functions start then.
        inline_pid: of the process whose threads run the functions; None: they are processes of their own.

    Raises:
        StartFailed, BackendFailed, InvalidApplication, InvalidSettings.
    """
    inline = InlineEnvironments(inline_pid, run_folder) if inline_pid is not None else None
    defaults = Settings() if inline is None else Settings.inline()
    ground = Ground.lay(defaults.changed(settings), run_folder, stack)
    endpoints = Endpoints()
    destinations = AwsDestinations(lambda: endpoints.common["AWS_ENDPOINT_URL"])

    def new_service(functions: Sequence[Function]) -> LambdaService:
        return LambdaService(
            functions,
            environment_variables=endpoints.of,
            clock=ground.clock,
            timeline=ground.timeline,
            sleep=ground.alarm.sleep,
            run_folder=run_folder,
            settings=ground.settings.runtime,
            inline=inline,
            destinations=destinations,
            faults=ground.faults,
        )

    backend, (application, certificate, functions) = await both(
        start_backend(localstack, aws_endpoint), prepare(source, new_service, ground)
    )
    timed("backend")
    progress("Creating tables, buckets and secrets.")
    await asyncio.to_thread(resources.create, application, Clients(backend.endpoint_url, emulators_own=True))
    timed("resources")

    progress("Starting functions and gateway.")
    lambda_operations = LambdaApi(functions, clock=ground.clock)
    lambda_api = await serve(lambda_operations, ground)
    gateways = await start_gateways(application, functions, certificate, port, ground)
    endpoints.common |= {
        "AWS_ENDPOINT_URL": backend.endpoint_url,
        "AWS_ENDPOINT_URL_LAMBDA": lambda_api.url,
        "AWS_CA_BUNDLE": str(certificate.ca_bundle),
        "AWS_SESSION_TOKEN": backend.session_token,
    }
    endpoints.name_gateways(gateways)
    # The streams of a back end of our own end with it.
    checkpoints = find_checkpoints(application, backend) if localstack is None else Checkpoints()
    events = _events(application, functions, destinations, checkpoints, backend, ground)
    lambda_operations.mount(EventSourceMappingsApi(events, find_function=lambda_operations.find_function))
    calls = _calls(application, functions, gateways, events, ground, localstack, inline)
    control = await serve(ControlApi(calls, secret), ground)
    if inline is not None:
        stack.callback(inline.end)
    addresses = _addresses(gateways, backend, certificate, lambda_url=lambda_api.url, control_url=control.url)
    running = Running(backend, localstack, ground.clock, addresses, secret, run_folder)
    serving(running.state({}))
    await functions.start()
    if inline is None:
        await check_loaded(application, functions)
    timed("functions")
    await events.start()
    stack.push_async_callback(events.stop)
    timed("ready")
    return running


def _addresses(
    gateways: Sequence[GatewayServer],
    backend: Backend,
    certificate: Certificate,
    *,
    lambda_url: str,
    control_url: str,
) -> Addresses:
    """Return where everything is served; the first stage of the first API is the sandbox's own."""
    stages = {name: urls for server in gateways for name, urls in server.stage_urls().items()}
    return Addresses(
        **next(iter(stages.values())),
        aws_endpoint=backend.endpoint_url,
        lambda_endpoint=lambda_url,
        control=control_url,
        ca_bundle=str(certificate.ca_bundle),
        stages=stages,
    )


def _events(
    application: Application,
    functions: LambdaService,
    destinations: AwsDestinations,
    checkpoints: Checkpoints,
    backend: Backend,
    ground: Ground,
) -> EventSources:
    """Return what reads the streams and queues and fires the schedules."""
    services = Services(
        invoker=functions,
        destinations=destinations,
        clock=ground.clock,
        alarm=ground.alarm,
        faults=ground.faults,
        timeline=ground.timeline,
        random=SystemRandom(),
        settings=ground.settings.events,
        checkpoints=checkpoints,
    )
    return EventSources(
        application,
        services,
        backend_endpoint_url=backend.endpoint_url,
        waits_for_records=backend.waits_for_records,
    )


def _calls(
    application: Application,
    functions: LambdaService,
    gateways: Sequence[GatewayServer],
    events: EventSources,
    ground: Ground,
    localstack: LocalStack | None,
    inline: InlineEnvironments | None,
) -> Mapping[tuple[str, str], Handler]:
    """Return every call of the control API."""
    looking = Looking(
        application,
        functions,
        [server.gateway.connections for server in gateways],
        events,
        ground.timeline,
        localstack.pid if localstack is not None else None,
        inline,
    )
    experiments = Experiments(
        application,
        clock=ground.clock,
        faults=ground.faults,
        functions=functions,
        gateways=[server.gateway for server in gateways],
        events=events,
        backend=localstack,
        timeline=ground.timeline,
    )
    ground.stack.push_async_callback(experiments.close)
    return {**looking.table(), **experiments.table()}
