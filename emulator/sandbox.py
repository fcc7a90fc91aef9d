"""`Sandbox`: the handle on an emulator process that notebooks, tests and the command line use."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3

from emulator.applications.source import load
from emulator.aws import Clients
from emulator.errors import EmulatorError, SandboxNotRunning, StartFailed
from emulator.state import Addresses, State, parse

START_TIMEOUT_S = 60.0
"""Seconds until a sandbox that is not ready is given up. Seen: 2 to 4 on two cores."""

STOP_TIMEOUT_S = 10.0
"""Seconds that an emulator has for its orderly end before it is killed. Seen: under 2."""

MAX_LINE_BYTES = 16 * 1024 * 1024
"""One line of the emulator's own report at most."""


def _be_quiet(_text: str) -> None:
    """The default report: nothing is shown."""


class Sandbox:
    """A running application on this machine, with no AWS account.

    `async with Sandbox() as sandbox:` or `sandbox = await Sandbox.start()` and, in the end,
    `await sandbox.stop()`. The emulator is a process of its own: a blocking notebook cell does not
    stop it, and it ends when this process ends, however that happens.
    """

    def __init__(
        self,
        application: str = "streamer",
        *,
        options: Mapping[str, Any] | None = None,
        aws_endpoint: str | None = None,
        port: int = 0,
        report: Callable[[str], None] = _be_quiet,
        start_timeout_s: float = START_TIMEOUT_S,
        named: bool = False,
    ) -> None:
        """Describe a sandbox; nothing is started yet.

        Args:
            application: name of a module of `emulator.applications`.
            options: what that application takes.
            aws_endpoint: a running AWS back end to use instead of LocalStack in a process of ours.
            port: of the gateway; 0 takes a free one.
            report: is told in words what happens while the sandbox starts.
            named: whether the state file names this sandbox to the other commands.
        """
        self._source = load(application, options or {})
        self._configuration = {
            "application": application,
            "options": dict(options or {}),
            "aws_endpoint": aws_endpoint,
            "port": port,
            "named": named,
        }
        self._report = report
        self._start_timeout_s = start_timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._state: State | None = None
        self._failure: str | None = None
        self._http = urllib3.PoolManager(maxsize=4, retries=False)
        self._clients: Clients | None = None

    @classmethod
    async def start(cls, *args: Any, **options: Any) -> Self:
        """Start a sandbox and return it when it is ready. Takes what `Sandbox` takes.

        Raises:
            StartFailed, BackendFailed: with the reason and the end of the log.
        """
        sandbox = cls(*args, **options)
        await sandbox._start()
        return sandbox

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
    def state(self) -> State:
        """What is known of the running emulator. Raises SandboxNotRunning."""
        if self._state is None or self._failure is not None:
            raise SandboxNotRunning(self._failure or "The sandbox is not running: start it first.")
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
        return await self._source.connect(self.state, self.boto3, user=user, tenant=tenant, **options)

    def token(self, user: str = "demo", tenant: str = "demo", **options: Any) -> str:
        """Return a token that the application accepts."""
        return self._source.token(self.boto3, user=user, tenant=tenant, **options)

    def boto3(self, service: str) -> Any:
        """Return a boto3 client of the sandbox, for `dynamodb`, `s3`, `lambda` and so on."""
        if self._clients is None:
            addresses = self.addresses
            self._clients = Clients(addresses.aws_endpoint, lambda_endpoint_url=addresses.lambda_endpoint)
        if service == "apigatewaymanagementapi":
            return self._clients.new(service, endpoint_url=self.addresses.management)
        return self._clients(service)

    async def timeline(self, *, after: int = 0) -> list[dict[str, Any]]:
        """List what happened, oldest first: `{"sequence", "at", "kind", "facts"}`."""
        entries: list[dict[str, Any]] = await self._call("GET", f"/timeline?after={after}")
        return entries

    async def logs(self, function: str) -> list[dict[str, Any]]:
        """List the kept logs of a function, one per invocation, oldest first.

        Shape:
            `{"function", "request_id", "started_at", "cold", "pid", "duration_ms", "function_error", "log"}`
        """
        logs: list[dict[str, Any]] = await self._call("GET", f"/logs?function={function}")
        return logs

    async def environments(self) -> list[dict[str, Any]]:
        """List the execution environments: function, pid, state, invocations."""
        environments: list[dict[str, Any]] = await self._call("GET", "/environments")
        return environments

    async def memory(self) -> list[dict[str, Any]]:
        """List the emulator's processes with their memory."""
        rows: list[dict[str, Any]] = await self._call("GET", "/memory")
        return rows

    async def kill_environment(self, function: str, *, pid: int | None = None) -> int | None:
        """End an environment of `function` with SIGKILL: the one of `pid`, else one at work, else any.

        Returns:
            The id of the process that was killed, None where there was none.
        """
        killed: int | None = await self._call("POST", "/faults/kill", {"function": function, "pid": pid})
        return killed

    async def fire_schedule(self, name: str) -> None:
        """Fire a schedule now, without waiting for its time."""
        await self._call("POST", "/schedules/fire", {"name": name})

    async def stop(self) -> None:
        """End the emulator and everything it started. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader
        self._state = None
        self._clients = None
        self._http.clear()

    async def wait(self) -> str:
        """Wait until the emulator ends by itself; returns why."""
        if self._reader is not None:
            await asyncio.shield(self._reader)
        return self._failure or "The emulator has ended."

    async def _start(self) -> None:
        if self._process is not None:
            raise StartFailed("This sandbox runs already; stop it first, or make another.")
        self._failure = None
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "emulator.server",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_surroundings(),
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
        ready: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._follow(self._process, ready), name="sandbox")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(self._configuration).encode() + b"\n")
            async with asyncio.timeout(self._start_timeout_s):
                self._state = await asyncio.shield(ready)
        except TimeoutError:
            await self.stop()
            raise StartFailed(
                f"The emulator was not ready within {self._start_timeout_s:.0f} s;"
                ' "python -m emulator doctor" says what the machine lacks.'
            ) from None
        except BaseException:
            await self.stop()
            raise

    async def _follow(self, process: asyncio.subprocess.Process, ready: "asyncio.Future[State]") -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            with suppress(ValueError, KeyError, TypeError):
                self._told(json.loads(line), ready)
        status = await process.wait()
        if self._failure is None:
            self._failure = f"The emulator has ended ({_how(status)})."
        if not ready.done():
            ready.set_exception(StartFailed(self._failure))
            ready.exception()  # read here, so that a start that was cancelled leaves no warning

    def _told(self, event: dict[str, Any], ready: "asyncio.Future[State]") -> None:
        if event["event"] == "progress":
            self._report(event["text"])
        elif event["event"] == "ready" and not ready.done():
            ready.set_result(parse(json.dumps(event["state"])))
        elif event["event"] == "failed":
            self._failure = event["message"]
            self._report(event["message"])

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(call, self._http, self.state, method, path, body)


def call(
    http: urllib3.PoolManager, state: State, method: str, path: str, body: Mapping[str, Any] | None = None
) -> Any:
    """Make one call of the control API of the sandbox that `state` names.

    Raises:
        SandboxNotRunning: nobody answers.
        EmulatorError: the emulator refused; its sentence.
    """
    try:
        response = http.request(
            method,
            state.addresses.control + path,
            body=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {state.secret}"},
            timeout=30.0,
        )
    except urllib3.exceptions.HTTPError as error:
        raise SandboxNotRunning("The sandbox does not answer any more; start it again.") from error
    answer = json.loads(response.data)
    if response.status != 200:
        raise EmulatorError(answer["error"])
    return answer


def _surroundings() -> dict[str, str]:
    """Return the emulator's environment: ours, but it may keep compiled modules, as it starts often."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def log_path(state: State) -> Path:
    """Return the emulator's own log."""
    return Path(state.run_folder) / "emulator.log"
