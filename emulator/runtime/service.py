"""The Lambda service: accepts calls, hands them to environments, and keeps what came out."""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from emulator.application import Function
from emulator.clock import Clock, SystemClock
from emulator.destinations import NO_DESTINATIONS, Destinations
from emulator.errors import EmulatorError, FunctionNotFound, SandboxNotRunning, TooManyRequests
from emulator.faults import FaultKind, Faults
from emulator.invocation import MAX_EVENT_BYTES, MAX_REQUEST_BYTES, InvocationResult
from emulator.runtime import payloads
from emulator.runtime.asynchronous import EventQueue
from emulator.runtime.environment import Environment
from emulator.runtime.fleet import Fleet
from emulator.runtime.hosts import ExtraVariables
from emulator.runtime.inline import InlineEnvironments
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.journal import Journal
from emulator.runtime.logs import InvocationLog
from emulator.runtime.recorded import Recorded
from emulator.runtime.reports import EnvironmentInfo, report
from emulator.runtime.settings import RuntimeSettings
from emulator.runtime.traces import complete_trace_header
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline


def new_request_id() -> str:
    """Return an id in the form of Lambda's."""
    return str(uuid.uuid4())


class LambdaService:
    """Runs the functions of an application in processes of their own; an `emulator.invocation.Invoker`.

    Belongs to the event loop that calls `start`.

    Args:
        environment_variables: for every environment, where AWS is in the sandbox (`AWS_ENDPOINT_URL` and
            the like), or what returns them for a function. They win over the function's own.
        clock: for records, the age of events and the timeline. Timeouts of functions run in the machine's
            own time, because the processes do.
        sleep: waits between the attempts at an event; seconds. A sandbox whose clock can be advanced
            passes its own.
        run_folder: where the fork servers' error output goes; None: nowhere.
        destinations: where what is left of events is sent that is not a function.
        faults: what is to go wrong on purpose.
        inline: hands the environments to threads of another process; None: they are processes.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        environment_variables: ExtraVariables | None = None,
        clock: Clock | None = None,
        timeline: Timeline | None = None,
        new_id: Callable[[], str] = new_request_id,
        settings: RuntimeSettings | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        run_folder: Path | None = None,
        inline: InlineEnvironments | None = None,
        destinations: Destinations = NO_DESTINATIONS,
        faults: Faults | None = None,
    ) -> None:
        self.functions = {function.name: function for function in functions}
        self._clock = clock or SystemClock()
        self._timeline = timeline or Timeline(self._clock)
        self._new_id = new_id
        self._settings = settings or RuntimeSettings()
        self._running = False
        self._faults = faults or Faults()
        self._journal = Journal(
            self.functions, timeline=self._timeline, max_logs=self._settings.max_logs_per_function
        )
        self._active = dict.fromkeys(self.functions, 0)
        self._accepted: set[Invocation] = set()
        self._fleet = Fleet(
            self.functions.values(),
            calls=self,
            extra=environment_variables or {},
            settings=self._settings,
            clock=self._clock,
            timeline=self._timeline,
            new_id=new_id,
            run_folder=run_folder,
            inline=inline,
        )
        self._events = EventQueue(
            find=self.get_function,
            attempt=self._attempt,
            send_to=self.invoke_event,
            destinations=destinations,
            settings=self._settings,
            clock=self._clock,
            sleep=sleep,
            timeline=self._timeline,
        )

    async def boot(self) -> None:
        """Boot the fork servers ahead of `start`, while other parts of the sandbox come up. Idempotent.

        Raises:
            StartFailed: as `start` does.
        """
        await self._fleet.boot()

    async def start(self) -> None:
        """Boot the fork servers and the provisioned environments, and wait until they are ready.

        An environment that cannot load its function is no failure here: the next call gets the error.

        Raises:
            StartFailed: the runtime client or a function's code is missing, or a fork server does not boot.
        """
        await self._fleet.start()
        self._running = True

    async def stop(self) -> None:
        """End every environment, call and task; idempotent. Calls that run get SandboxNotRunning."""
        self._running = False
        await self._events.stop()
        self._fleet.pool.drain()
        for invocation in list(self._accepted):
            self.refused(
                invocation,
                SandboxNotRunning("The Lambda service stops; start it again, then repeat the call."),
            )
        await self._fleet.stop()

    # calls

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        trace_header: str | None = None,
        qualified_arn: str | None = None,
        client_context: str | None = None,
    ) -> InvocationResult:
        """Run a function once; see `emulator.invocation.Invoker.invoke`.

        Args:
            client_context: JSON in ASCII that the handler finds in `context.client_context`.

        Raises:
            SandboxNotRunning: the service is not started, or stopped meanwhile.
            StartFailed: the machine refused the process that was to run the function.
        """
        target = self.get_function(function)
        payload = payloads.check_payload(function, payload, limit_bytes=MAX_REQUEST_BYTES)
        invocation = self._accept(
            target, payload, self._new_id(), trace_header, qualified_arn, client_context
        )
        return await asyncio.shield(invocation.result)

    async def invoke_event(self, function: str, payload: bytes, *, trace_header: str | None = None) -> str:
        """Queue an event; see `emulator.invocation.Invoker.invoke_event`.

        Raises:
            SandboxNotRunning: the service is not started, or was stopped.
        """
        target = self.get_function(function)
        payload = payloads.check_payload(function, payload, limit_bytes=MAX_EVENT_BYTES)
        self._check_running()
        request_id = self._new_id()
        self._timeline.record(
            "lambda.queued", function=target.name, request_id=request_id, **tracing.of_event(payload)
        )
        self._events.put(target, payload, request_id=request_id, trace_header=trace_header)
        return request_id

    def get_function(self, name: str) -> Function:
        """Return the function called `name`. Raises FunctionNotFound."""
        try:
            return self.functions[name]
        except KeyError:
            known = ", ".join(sorted(self.functions)) or "none"
            raise FunctionNotFound(f"Function not found: {name}; the application declares {known}.") from None

    def configure(self, name: str, **changes: Any) -> Function:
        """Change a function's configuration from the next invocation on.

        Environments that were started with another one end: idle ones now, others with their invocation.

        Args:
            changes: fields of `Function`.

        Returns:
            The function as it is now.

        Raises:
            FunctionNotFound: no such function.
        """
        function = replace(self.get_function(name), **changes)
        self.functions[name] = function
        self._fleet.configure(function)
        self._timeline.record("lambda.configured", function=name, changed=sorted(changes))
        return function

    # for people who look

    def environments(self) -> list[EnvironmentInfo]:
        """Return the living environments."""
        return [
            EnvironmentInfo(
                e.function.name, e.pid, e.status.value, e.invocations, e.started_at, e.init_ms, e.provisioned
            )
            for e in self._fleet.environments()
        ]

    def fork_server_pids(self) -> list[int]:
        """Return the process ids of the fork servers."""
        return [zygote.pid for zygote in self._fleet.zygotes() if zygote.pid is not None]

    def guard_pids(self) -> list[int]:
        """Return the process ids of the fork servers' guards."""
        return [zygote.guard_pid for zygote in self._fleet.zygotes() if zygote.guard_pid is not None]

    def stats(self) -> dict[str, int]:
        """Return the fields of `Stats`."""
        pool = self._fleet.pool
        stats = self._journal.stats
        stats.environments, stats.waiting = pool.live, pool.waiting
        stats.queued_events = len(self._events)
        return asdict(stats)

    def logs(self, function: str) -> list[InvocationLog]:
        """Return what is kept of the newest invocations, oldest first. Raises FunctionNotFound."""
        return self._journal.logs(self.get_function(function).name)

    def recorded(self, function: str) -> list[Recorded]:
        """Return what is kept of the newest events and responses, oldest first. Raises FunctionNotFound."""
        return self._journal.recorded(self.get_function(function).name)

    async def kill_environment(self, function: str, pid: int | None = None) -> int | None:
        """SIGKILL an environment, as a machine that fails would, and wait until that was noticed.

        Args:
            pid: which one; None: one that is busy, else any.

        Returns:
            The process id, or None where there was no such environment.

        Raises:
            FunctionNotFound: no such function.
        """
        return await self._fleet.kill(self.get_function(function).name, pid)

    # what the fleet reports

    def taken(self, environment: Environment, invocation: Invocation) -> bool:
        self._journal.began(invocation)
        fault = self._faults.strike(FaultKind.KILL_ENVIRONMENT, function=invocation.function.name)
        if fault is None:
            return True
        loop = asyncio.get_running_loop()
        loop.call_later(fault.delay_s, _kill, environment, invocation)  # never at once: the pool is at work
        return fault.delay_s > 0

    def ended(self, environment: Environment, invocation: Invocation, outcome: Outcome) -> None:
        log = invocation.log
        assert log is not None
        duration_ms = environment.elapsed_ms()
        lines = environment.log.platform.end(
            report(environment, invocation, outcome, duration_ms), at=self._clock.now()
        )
        log.output.append((outcome.line + lines).encode())
        self._leave(invocation)
        self._journal.ended(invocation, outcome, duration_ms=duration_ms)
        if not invocation.result.done():
            result = InvocationResult(
                invocation.request_id, outcome.payload, outcome.function_error, log.text
            )
            invocation.result.set_result(result)

    def refused(self, invocation: Invocation, error: EmulatorError) -> None:
        self._leave(invocation)
        if not invocation.result.done():
            invocation.result.set_exception(error)
            invocation.result.exception()  # the caller may be gone; nobody is to be warned of that

    # inside

    def _check_running(self) -> None:
        if not self._running:
            raise SandboxNotRunning("The Lambda service is not running; start it first.")

    def _accept(
        self,
        function: Function,
        payload: bytes,
        request_id: str,
        trace_header: str | None,
        qualified_arn: str | None = None,
        client_context: str | None = None,
    ) -> Invocation:
        self._check_running()
        name, reserved = function.name, function.reserved_concurrency
        if reserved is not None and self._active[name] >= reserved:
            self._journal.stats.throttles += 1
            self._timeline.record("lambda.throttled", function=name, request_id=request_id)
            raise TooManyRequests(name, "ReservedFunctionConcurrentInvocationLimitExceeded")
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Invoked-Function-Arn": qualified_arn or function.arn,
            "Lambda-Runtime-Trace-Id": self._trace_header(trace_header),
        }
        if client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = client_context
        result: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        invocation = Invocation(function, request_id, payload, headers, result)
        self._active[name] += 1
        self._accepted.add(invocation)
        self._fleet.submit(invocation)
        return invocation

    async def _attempt(
        self, function: Function, payload: bytes, *, request_id: str, trace_header: str | None
    ) -> InvocationResult:
        return await asyncio.shield(self._accept(function, payload, request_id, trace_header).result)

    def _trace_header(self, given: str | None) -> str:
        return complete_trace_header(given, now=self._clock.now(), digits=os.urandom(20).hex())

    def _leave(self, invocation: Invocation) -> None:
        if invocation in self._accepted:
            self._accepted.discard(invocation)
            self._active[invocation.function.name] -= 1


def _kill(environment: Environment, invocation: Invocation) -> None:
    """Let a declared fault end an environment that still runs what it struck at."""
    if environment.runs(invocation):
        environment.kill()
