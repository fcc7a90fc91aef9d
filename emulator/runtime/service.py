"""The Lambda service: functions, their environments, and calls to them."""

import asyncio
import importlib.util
import os
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emulator.application import Function
from emulator.clock import Clock, SystemClock
from emulator.errors import EmulatorError, FunctionNotFound, SandboxNotRunning, StartFailed, TooManyRequests
from emulator.invocation import MAX_EVENT_BYTES, MAX_REQUEST_BYTES, InvocationResult
from emulator.runtime import payloads
from emulator.runtime.asynchronous import EventQueue
from emulator.runtime.environment import Environment, exit_outcome
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Status
from emulator.runtime.logs import InvocationLog, Report, end_lines, start_line
from emulator.runtime.memory import peak_memory_mb
from emulator.runtime.pool import Pool
from emulator.runtime.settings import RuntimeSettings
from emulator.runtime.variables import ON_DEMAND, PROVISIONED, environment_variables
from emulator.runtime.zygote import Zygote
from emulator.telemetry.timeline import Timeline

_MEMORY_SAMPLE_S = 0.25
"""How old a figure of an environment's memory may be; reading it costs as much as a third of a call."""

_COMING = (Status.STARTING, Status.FINISHING)


def new_request_id() -> str:
    """Return an id in the form of Lambda's."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """What is to be said of one environment; `started_at` in epoch seconds."""

    function: str
    pid: int | None
    state: str
    invocations: int
    started_at: float
    init_ms: float | None
    provisioned: bool


@dataclass(slots=True)
class Stats:
    """Counts since the service was started, except `environments`, `waiting` and `queued_events`: now."""

    invocations: int = 0
    function_errors: int = 0
    throttles: int = 0
    cold_starts: int = 0
    environments_started: int = 0
    environments: int = 0
    waiting: int = 0
    queued_events: int = 0


class LambdaService:
    """Runs the functions of an application in processes of their own; an `emulator.invocation.Invoker`.

    Belongs to the event loop that called `start`.

    Args:
        environment_variables: for every environment, where AWS is in the sandbox (`AWS_ENDPOINT_URL` and the
            like); a function of the Lambda function where they differ. They win over the function's own.
        clock: for records, the age of events and the timeline. Timeouts of functions run in the machine's
            own time, because the processes do.
        sleep: waits between the attempts at an event; seconds. A sandbox's clock that can be advanced
            passes its own.
        run_folder: where the fork servers' error output goes; None: nowhere.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        environment_variables: Callable[[Function], Mapping[str, str]] | Mapping[str, str] | None = None,
        clock: Clock | None = None,
        timeline: Timeline | None = None,
        new_id: Callable[[], str] = new_request_id,
        settings: RuntimeSettings | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        run_folder: Path | None = None,
    ) -> None:
        self.functions = {function.name: function for function in functions}
        self._extra = environment_variables or {}
        self._clock = clock or SystemClock()
        self._timeline = timeline or Timeline(self._clock)
        self._new_id = new_id
        self._settings = settings or RuntimeSettings()
        self._run_folder = run_folder
        self._path = os.environ.get("PATH", os.defpath)
        self._runtime_folder = ""
        self._zygotes: dict[Path, Zygote] = {}
        self._environments: dict[str, Environment] = {}  # with a process, until it has ended
        self._active = dict.fromkeys(self.functions, 0)
        self._accepted: set[Invocation] = set()
        self._logs: dict[str, deque[InvocationLog]] = {
            name: deque(maxlen=self._settings.max_logs_per_function) for name in self.functions
        }
        self._log_listeners: list[Callable[[InvocationLog], None]] = []
        self._provisioning: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._running = False
        self._stats = Stats()
        self._pool: Pool[Environment, Invocation] = Pool(
            start=self._begin_environment,
            run=self._run,
            evict=self._evict,
            max_live=self._settings.max_environments,
            max_live_per_function=self._settings.max_environments_per_function,
            max_starting=self._settings.max_starting,
        )
        self._events = EventQueue(
            attempt=self._attempt,
            send_to=self.invoke_event,
            settings=self._settings,
            clock=self._clock,
            sleep=sleep,
            timeline=self._timeline,
        )

    # life

    async def start(self) -> None:
        """Boot the fork servers and the provisioned environments, and wait until they are ready.

        An environment that cannot load its function is no failure here: the next call gets the error.

        Raises:
            StartFailed: the runtime client or a function's code is missing, or a fork server does not boot.
        """
        self._runtime_folder = _find_runtime()
        for function in self.functions.values():
            if not function.code.is_dir():
                raise StartFailed(f"The code of function {function.name} is not there: {function.code} is no folder.")
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for function in self.functions.values():
                    group.create_task(self._zygote(function).boot())
        except* EmulatorError as errors:
            await self.stop()
            raise errors.exceptions[0] from errors
        for function in self.functions.values():
            self._provision(function)
        while any(e.provisioned and e.status is Status.STARTING for e in self._starting_environments()):
            await self._change()

    async def stop(self) -> None:
        """End every environment, call and task; idempotent. Calls that run get SandboxNotRunning."""
        self._running = False
        await self._events.stop()
        self._pool.drain()
        for invocation in list(self._accepted):
            self._refuse(invocation, SandboxNotRunning("The Lambda service stops; start it again and repeat the call."))
        for environment in list(self._environments.values()):
            environment.kill()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        zygotes, self._zygotes = list(self._zygotes.values()), {}
        await asyncio.gather(*(zygote.stop() for zygote in zygotes))
        for environment in list(self._environments.values()):
            await environment.exited.wait()
        self._environments.clear()

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
        """See `emulator.invocation.Invoker.invoke`.

        Args:
            client_context: JSON that the handler finds in `context.client_context`.

        Raises:
            SandboxNotRunning: the service is not started, or stopped meanwhile.
            StartFailed: the laptop refused the process that was to run the function.
        """
        target = self.get_function(function)
        payload = payloads.check_payload(function, payload, limit_bytes=MAX_REQUEST_BYTES)
        invocation = self._accept(target, payload, self._new_id(), trace_header, qualified_arn, client_context)
        return await asyncio.shield(invocation.result)

    async def invoke_event(self, function: str, payload: bytes, *, trace_header: str | None = None) -> str:
        """See `emulator.invocation.Invoker.invoke_event`."""
        target = self.get_function(function)
        payload = payloads.check_payload(function, payload, limit_bytes=MAX_EVENT_BYTES)
        if not self._running:
            raise SandboxNotRunning("The Lambda service is not running; start it first.")
        request_id = self._new_id()
        self._events.put(target, payload, request_id=request_id, trace_header=trace_header)
        return request_id

    def get_function(self, name: str) -> Function:
        """Return the function called `name`. Raises FunctionNotFound."""
        try:
            return self.functions[name]
        except KeyError:
            raise FunctionNotFound(
                f"Function not found: {name}; the application declares {', '.join(sorted(self.functions)) or 'none'}."
            ) from None

    # for people who look

    def environments(self) -> list[EnvironmentInfo]:
        """Return the living environments."""
        return [
            EnvironmentInfo(
                e.function.name, e.pid, e.status.value, e.invocations, e.started_at, e.init_ms, e.provisioned
            )
            for e in self._environments.values()
            if e.status is not Status.DEAD
        ]

    def process_ids(self) -> list[int]:
        """Return the ids of the fork servers, for reports of memory."""
        return [zygote.pid for zygote in self._zygotes.values() if zygote.pid is not None]

    def stats(self) -> dict[str, int]:
        """Return the fields of `Stats`."""
        now = asdict(self._stats)
        now.update(environments=self._pool.live, waiting=self._pool.waiting, queued_events=len(self._events))
        return now

    def logs(self, function: str) -> list[InvocationLog]:
        """Return what is kept of the newest invocations, oldest first. Raises FunctionNotFound."""
        return list(self._logs[self.get_function(function).name])

    def listen_logs(self, listener: Callable[[InvocationLog], None]) -> Callable[[], None]:
        """Call `listener` with the log of every invocation that ends; returns a function that ends this."""
        self._log_listeners.append(listener)
        return lambda: self._log_listeners.remove(listener)

    async def kill_environment(self, function: str, pid: int | None = None) -> int | None:
        """SIGKILL an environment, as a machine that fails would, and wait until it is gone.

        Args:
            pid: which one; None: one that is busy, else any.

        Returns:
            The process id, or None where there was no such environment.

        Raises:
            FunctionNotFound
        """
        name = self.get_function(function).name
        found = [
            e
            for e in self._environments.values()
            if e.function.name == name and e.pid is not None and e.status is not Status.DEAD and pid in (None, e.pid)
        ]
        if not found:
            return None
        victim = next((e for e in found if e.status is Status.BUSY), found[0])
        victim.signal_kill()
        await victim.exited.wait()
        while victim.status is not Status.DEAD:
            await self._change()
        return victim.pid

    # what environments report

    def environment_ready(self, environment: Environment, *, first: bool) -> None:
        self._notify()
        self._pool.came(environment.function.name, environment, started=first)

    def invocation_ended(self, environment: Environment, invocation: Invocation, outcome: Outcome) -> None:
        function, duration_ms = environment.function, environment.elapsed_ms()
        if environment.status is Status.FINISHING:
            self._pool.finishing(function.name)
        log = invocation.log
        assert log is not None
        report = Report(
            invocation.request_id,
            duration_ms,
            function.memory_mb,
            self._max_memory_mb(environment),
            environment.init_ms if log.cold else None,
            outcome.status,
            outcome.error_type,
        )
        log.output.append((outcome.line + end_lines(report)).encode())
        self._finish(invocation, outcome, log, duration_ms)

    def environment_ended(self, environment: Environment, *, before: Status, failure: Outcome | None) -> None:
        name = environment.function.name
        self._timeline.record(
            "environment.ended",
            function=name,
            pid=environment.pid,
            state=before.value,
            status=environment.exit_status,
            invocations=environment.invocations,
        )
        if not self._running:
            self._notify()
            return
        if failure is not None:
            invocation = self._pool.take_waiting(name)
            if invocation is not None:
                self._answer_for_failed_start(environment, invocation, failure)
        if environment in self._evicted:
            self._evicted.discard(environment)
        else:
            self._pool.ended(name, environment, started=before is not Status.STARTING, coming=before in _COMING)
        if failure is None:
            self._provision(environment.function)
        self._notify()

    # inside

    def _accept(
        self,
        function: Function,
        payload: bytes,
        request_id: str,
        trace_header: str | None,
        qualified_arn: str | None = None,
        client_context: str | None = None,
    ) -> Invocation:
        if not self._running:
            raise SandboxNotRunning("The Lambda service is not running; start it first.")
        name, reserved = function.name, function.reserved_concurrency
        if reserved is not None and self._active[name] >= reserved:
            self._stats.throttles += 1
            self._timeline.record("lambda.throttled", function=name, request_id=request_id)
            raise TooManyRequests(name, "ReservedFunctionConcurrentInvocationLimitExceeded")
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Invoked-Function-Arn": qualified_arn or function.arn,
            "Lambda-Runtime-Trace-Id": trace_header or self._new_trace_header(),
        }
        if client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = client_context
        result: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        invocation = Invocation(function, request_id, payload, headers, result)
        self._active[name] += 1
        self._accepted.add(invocation)
        self._pool.submit(name, invocation)
        return invocation

    async def _attempt(
        self, function: Function, payload: bytes, *, request_id: str, trace_header: str | None
    ) -> InvocationResult:
        return await asyncio.shield(self._accept(function, payload, request_id, trace_header).result)

    def _new_trace_header(self) -> str:
        random = uuid.uuid4().hex + uuid.uuid4().hex
        return f"Root=1-{int(self._clock.now()):08x}-{random[:24]};Parent={random[24:40]};Sampled=0"

    def _run(self, environment: Environment, invocation: Invocation) -> None:
        environment.run(invocation)
        log = invocation.log
        assert log is not None
        self._logs[log.function].append(log)
        self._stats.invocations += 1
        self._stats.cold_starts += log.cold
        self._timeline.record(
            "lambda.start",
            function=log.function,
            request_id=log.request_id,
            pid=environment.pid,
            cold=log.cold,
        )

    def _answer_for_failed_start(self, environment: Environment, invocation: Invocation, failure: Outcome) -> None:
        """Give a call the reason why the environment that was started for it is of no use."""
        function, request_id, now = environment.function, invocation.request_id, self._clock.now()
        duration_ms = environment.elapsed_ms()
        if not failure.payload and failure.status == "timeout":
            text = payloads.timeout_payload(
                request_id, function.timeout_s, at=now, classic=self._settings.classic_timeout_payload
            )
            failure = Outcome(text, payloads.UNHANDLED, status="timeout")
        elif not failure.payload:
            failure = exit_outcome(request_id, environment.exit_status)
        log = InvocationLog(function.name, request_id, now, payloads_log(self._settings), cold=True, pid=environment.pid)
        report = Report(
            request_id,
            0.0,
            function.memory_mb,
            self._max_memory_mb(environment),
            duration_ms,
            failure.status,
            failure.error_type,
        )
        text_of_log = environment.init_output() + start_line(request_id) + failure.line + end_lines(report)
        log.output.append(text_of_log.encode())
        self._logs[function.name].append(log)
        self._stats.invocations += 1
        self._stats.cold_starts += 1
        self._finish(invocation, failure, log, duration_ms)

    def _finish(self, invocation: Invocation, outcome: Outcome, log: InvocationLog, duration_ms: float) -> None:
        self._leave(invocation)
        log.duration_ms, log.function_error = duration_ms, outcome.function_error
        self._stats.function_errors += outcome.function_error is not None
        self._timeline.record(
            "lambda.end",
            function=log.function,
            request_id=log.request_id,
            pid=log.pid,
            cold=log.cold,
            duration_ms=round(duration_ms, 3),
            function_error=outcome.function_error,
            error_type=outcome.error_type,
        )
        for listener in self._log_listeners:
            listener(log)
        if not invocation.result.done():
            result = InvocationResult(invocation.request_id, outcome.payload, outcome.function_error, log.text)
            invocation.result.set_result(result)

    def _refuse(self, invocation: Invocation, error: EmulatorError) -> None:
        self._leave(invocation)
        if not invocation.result.done():
            invocation.result.set_exception(error)
            invocation.result.exception()  # the caller may be gone: nobody is to be warned of that

    def _leave(self, invocation: Invocation) -> None:
        if invocation in self._accepted:
            self._accepted.discard(invocation)
            self._active[invocation.function.name] -= 1
