"""`Sandbox`: the handle on an emulator process that notebooks, tests and the command line use."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from emulator.applications.plain import check_inline
from emulator.applications.source import load, locate
from emulator.aws import Clients
from emulator.errors import EmulatorError, InvalidSettings, SandboxNotRunning, StartFailed
from emulator.handle import notebook
from emulator.handle.control_client import call
from emulator.handle.experiments import Experiments
from emulator.handle.inline import InlineExecution
from emulator.handle.introspection import Introspection
from emulator.handle.process import EmulatorProcess
from emulator.state import Addresses, State

START_TIMEOUT_S = 60.0
"""Seconds until a sandbox that is not ready is given up. Seen: 2 to 4 on two cores."""

MAX_PORT = 65_535
"""The last one of TCP."""


class Execution(StrEnum):
    """Where functions run."""

    PROCESSES = "processes"
    """Each environment is a process of its own, as on AWS."""

    INLINE = "inline"
    """Threads of this process: breakpoints stop, actions of a notebook cell are served."""


def _be_quiet(_text: str) -> None:
    """Show nothing."""


S = TypeVar("S", bound="Sandbox")


class _Start:
    """`Sandbox.start(…)` makes a sandbox and starts it; `sandbox.start()` starts that one."""

    @overload
    def __get__(self, sandbox: None, kind: type[S]) -> Callable[..., Coroutine[Any, Any, S]]: ...

    @overload
    def __get__(self, sandbox: S, kind: type[S]) -> Callable[[], Coroutine[Any, Any, S]]: ...

    def __get__(self, sandbox: S | None, kind: type[S]) -> Callable[..., Coroutine[Any, Any, S]]:
        return kind._make_and_start if sandbox is None else sandbox._start_this


class Sandbox(Introspection, Experiments):
    """A running application on this machine, with no AWS account.

    `async with Sandbox() as sandbox:` or `sandbox = await Sandbox.start()` and, in the end,
    `await sandbox.stop()`; `await sandbox.start()` starts one that was only described, or stopped. The
    emulator is a process of its own: a blocking notebook cell does not stop it, and it ends when this
    process ends, however that happens.
    """

    def __init__(
        self,
        application: str | Path = "streamer",
        *,
        options: Mapping[str, Any] | None = None,
        aws_endpoint: str | None = None,
        port: int = 0,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        execution: str = Execution.PROCESSES,
        report: Callable[[str], None] | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
        named: bool = False,
    ) -> None:
        """Describe a sandbox; nothing is started yet.

        Args:
            application: a module of `emulator.applications`, any other module with a dot (`package.module`),
                or a Python file (`chat.py`, `../app/chat.py`, a `Path`) that declares one by a function
                `application()`, a constant `APPLICATION` or a class `Source`.
            options: what that application takes.
            aws_endpoint: a running AWS back end to use instead of LocalStack in a process of ours.
            port: of the gateway; 0 takes a free one.
            settings: switches and limits that differ, by room: `{"gateway": {"idle_timeout_s": 60}}`; see
                `emulator.settings.Settings`.
            execution: `processes`, or `inline`; see `Execution` and `emulator.handle.inline`.
            report: is told in words what happens while the sandbox starts; by default that is shown in
                IPython and nowhere else.
            named: whether the state file names this sandbox to the other commands.

        Raises:
            InvalidApplication: there is no such application, or it does not take the options.
            InvalidSettings: there is no such setting, or it, or an argument, cannot have this value.
            EmulatorError: the application makes no inline handlers, and `execution` asks for them.
        """
        if settings:
            from emulator.settings import Settings  # takes 70 ms to import, which few sandboxes need

            Settings().changed(settings)
        _check(port=port, execution=execution, options=options)
        self.name = locate(application)
        self._execution = Execution(execution)
        self._options = dict(options or {})
        self._configuration: dict[str, Any] = {
            "application": self.name,
            "options": self._options,
            "aws_endpoint": aws_endpoint,
            "port": port,
            "settings": {room: dict(values) for room, values in (settings or {}).items()},
            "named": named,
            "inline_pid": os.getpid() if self._execution is Execution.INLINE else None,
        }
        super().__init__()
        self._source = load(self.name, self._options)
        if self._execution is Execution.INLINE:
            check_inline(self._source)
        self._report = report
        self._start_timeout_s = start_timeout_s
        self._process: EmulatorProcess | None = None
        self._inline: InlineExecution | None = None
        self._state: State | None = None
        self._clients: Clients | None = None

    start = _Start()

    @classmethod
    async def _make_and_start(cls, *args: Any, **options: Any) -> Self:
        """Start a sandbox and return it when it is ready. Takes what `Sandbox` takes.

        Raises:
            StartFailed, BackendFailed: with the reason and the end of the log.
        """
        return await cls(*args, **options)._start_this()

    async def _start_this(self) -> Self:
        """Start this sandbox and return it when it is ready; after `stop` it can be started again.

        Raises:
            StartFailed: it runs already, or for a reason that is told with the end of the log.
            BackendFailed: with the end of the log.
        """
        await self._start()
        return self

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        if self._state is None:
            return "<Sandbox, not running>"
        return f"<Sandbox {self._state.addresses.websocket}, {self._state.backend['name']}>"

    @property
    def is_running(self) -> bool:
        """Whether the emulator is ready and has not ended."""
        return self._state is not None and (self._process is None or self._process.failure is None)

    @property
    def state(self) -> State:
        """What is known of the running emulator. Raises SandboxNotRunning."""
        failure = self._process.failure if self._process is not None else None
        if self._state is None or failure is not None:
            raise SandboxNotRunning(failure or "The sandbox is not running: start it first.")
        return self._state

    @property
    def addresses(self) -> Addresses:
        """Where the sandbox answers."""
        return self.state.addresses

    @property
    def backend(self) -> Mapping[str, str]:
        """Name, version, DynamoDB engine and endpoint of the AWS back end."""
        return self.state.backend

    async def connect(self, user: str = "demo", tenant: str = "demo", **options: Any) -> Any:
        """Return a connected client of the application; `options` are the application's own."""
        now = await asyncio.to_thread(self._now)
        return await self._source.connect(
            self.state, self.boto3, user=user, tenant=tenant, now=now, **options
        )

    def token(self, user: str = "demo", tenant: str = "demo", **options: Any) -> str:
        """Return a token that the application accepts."""
        return self._source.token(self.boto3, user=user, tenant=tenant, now=self._now(), **options)

    def boto3(self, service: str) -> Any:
        """Return a boto3 client of the sandbox, for `dynamodb`, `s3`, `lambda` and so on."""
        addresses = self.addresses
        if self._clients is None:
            self._clients = Clients(
                addresses.aws_endpoint,
                lambda_endpoint_url=addresses.lambda_endpoint,
                session_token=self.backend["session_token"],
            )
        if service == "apigatewaymanagementapi":
            return self._clients.new(service, endpoint_url=addresses.management)
        return self._clients(service)

    def add_action(self, action: Any = None, **declaration: Any) -> Any:
        """Offer an action that is defined here, at once; one of that name is replaced.

        Also a decorator, with or without arguments. What it takes is the application's own; see
        `Source.add_action` there.

        Raises:
            EmulatorError: functions run in processes, which do not know what is defined here.
        """
        if self._execution is not Execution.INLINE:
            raise EmulatorError(
                "Functions run in processes of their own and cannot see what is defined here; start"
                ' Sandbox(execution="inline"), or offer a module by options={"action_modules": [...]}.'
            )
        _ = self.state
        if action is None:
            return lambda function: self._source.add_action(function, **declaration)
        return self._source.add_action(action, **declaration)

    async def stop(self) -> None:
        """End the emulator and everything it started. Safe to call twice."""
        process = self._process
        if process is None:
            return
        await process.stop()
        if self._inline is not None:
            await asyncio.to_thread(self._inline.stop)
            self._inline = None
        self._process = None
        self._state = None
        self._clients = None
        self._http.clear()
        notebook.leave_place(self)

    def _now(self) -> float:
        """Return the time that the functions live in. Raises SandboxNotRunning."""
        if self._execution is Execution.INLINE:
            _ = self.state
            return time.time()  # they are in this process, whose time is not moved
        told = call(self._http, self.state, "GET", "/clock")
        return time.time() + float(told["offset_s"])

    async def wait(self) -> str:
        """Wait until the emulator ends by itself; returns why."""
        return "The sandbox is not running." if self._process is None else await self._process.wait()

    async def _start(self) -> None:
        if self._process is not None:
            raise StartFailed("This sandbox runs already; stop it first, or make another.")
        has_replaced = await notebook.take_place(self)
        # Made anew, because it may remember a key of the run before.
        self._source = load(self.name, self._options)
        display = notebook.start_display() if self._report is None else None
        process = self._process = EmulatorProcess(self._report or display or _be_quiet, self._serve)
        try:
            self._state = await process.start(self._configuration, timeout_s=self._start_timeout_s)
        except BaseException as error:
            if display is not None:
                display.end("The sandbox did not start." if isinstance(error, Exception) else "Interrupted.")
            await self.stop()
            raise
        notebook.explain_errors(self._source.errors)
        notebook.show_requests(self._source.requests)
        if display is not None:
            display.end(
                "The sandbox is ready; the one that ran here before has been stopped."
                if has_replaced
                else "The sandbox is ready."
            )

    def _serve(self, state: State) -> None:
        """Run functions here, if they shall run here, as soon as the emulator can be asked for them."""
        if self._execution is Execution.INLINE:
            notebook.let_breakpoints_stop()
            source = self._source
            self._inline = InlineExecution(
                state, lambda function, log: source.inline_handler(function, state, log)
            )
            self._inline.start()


def _check(*, port: object, execution: object, options: object) -> None:
    """Raise InvalidSettings for what a typing mistake makes of an argument."""
    if not isinstance(port, int) or not 0 <= port <= MAX_PORT:  # the system would take a port's last 16 bits
        raise InvalidSettings(f"The port is a whole number from 0 to {MAX_PORT}, not {port!r}.")
    if execution not in list(Execution):
        kinds = " or ".join(repr(kind.value) for kind in Execution)
        raise InvalidSettings(f"The execution is {kinds}, not {execution!r}.")
    if not isinstance(options or {}, Mapping):
        raise InvalidSettings(f"The options are given by name, {{NAME: VALUE}}, not as {options!r}.")
