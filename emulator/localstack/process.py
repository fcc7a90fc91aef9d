"""LocalStack as a child process: started on a socket of ours, watched, ended with us."""

import asyncio
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emulator.account import ISOLATION
from emulator.errors import BackendFailed
from emulator.faults import BACKEND_KINDS, Fault
from emulator.localstack import environment
from emulator.localstack.backend import Backend
from emulator.localstack.calls import CallFailed, call
from emulator.virtual_environment import EnvironmentFailed

READY_TIMEOUT_S = 60.0
"""Seconds until it must answer; a warm start takes one, the first on a slow disk several."""

STOP_TIMEOUT_S = 5.0

LOG_TAIL_LINES = 30

_BACKLOG = 512
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


def _ignore(_: str) -> None:
    """Take a report for nobody."""


class LocalStack:
    """One LocalStack. Start it once, stop it once; `stop` may be called at any time, also again."""

    def __init__(
        self,
        run_folder: Path,
        report: Callable[[str], None] = _ignore,
        *,
        settings: Mapping[str, str] | None = None,
        ready_timeout_s: float = READY_TIMEOUT_S,
    ) -> None:
        """Describe a LocalStack; nothing happens before `start`.

        Args:
            run_folder: of this run, exists; LocalStack keeps its files and `localstack.log` in it.
            report: receives sentences while the environment is made.
            settings: further environment variables, over ours.
            ready_timeout_s: seconds until it must answer.
        """
        self.log_path = run_folder / "localstack.log"
        self._files = run_folder / "localstack"
        self._report = report
        self._settings = settings or {}
        self._ready_timeout_s = ready_timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._secret = secrets.token_urlsafe()
        self._port = 0
        self._version = ""

    @property
    def endpoint_url(self) -> str:
        """Where it is served, `http://127.0.0.1:<port>`; known once it is started."""
        return f"http://127.0.0.1:{self._port}" if self._port else ""

    @property
    def version(self) -> str:
        """LocalStack's version as it says itself; known once it is started."""
        return self._version

    @property
    def pid(self) -> int | None:
        """The process id, None before the start."""
        return self._process.pid if self._process is not None else None

    @property
    def backend(self) -> Backend:
        """The started LocalStack as a back end."""
        return Backend("LocalStack", self._version, "embedded", self.endpoint_url, waits_for_records=True)

    async def start(self) -> None:
        """Launch it, unless that was done, and wait until it answers.

        Raises:
            BackendFailed: it could not be started, died, or does not answer in time; nothing is left running.
        """
        if self._process is None:
            await self.launch()
        try:
            await self._wait_until_ready(self._port)
        except BaseException:
            await self.stop()
            raise

    async def launch(self) -> None:
        """Make its environment where it must be, and begin its process.

        Raises:
            BackendFailed: its environment could not be made.
        """
        try:
            python = await asyncio.to_thread(environment.make, self._report)
        except EnvironmentFailed as error:
            raise BackendFailed(f"LocalStack's environment could not be made. {error}") from error
        self._files.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
            port = self._port = listener.getsockname()[1]
            with self.log_path.open("wb") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *[str(python), "-P", "-m", "streamer_localstack"],
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    env=self._surroundings(port, listener.fileno()),
                    cwd=self._files,
                    pass_fds=(listener.fileno(),),
                    start_new_session=True,
                )

    async def stop(self) -> None:
        """End it, if it runs, and wait until it is gone."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()  # what it ends by
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def set_clock_offset(self, offset_s: float) -> None:
        """Let DynamoDB and its streams live `offset_s` seconds ahead of the machine's time.

        What expires by that is deleted, and its records written, when this returns. The other services keep
        the machine's time.

        Raises:
            BackendFailed: it does not answer, or refuses.
        """
        await self._tell("clock", {"offset_s": offset_s})

    async def set_faults(self, faults: Sequence[Fault]) -> None:
        """Let calls of applications fail or be slow as these say, in place of what was said before.

        A fault that was there before and is again goes on with its counts. Kinds that are not of the back end
        are left out.

        Raises:
            BackendFailed: it does not answer, or refuses.
        """
        declared = [
            {**asdict(fault), "where": dict(fault.where)} for fault in faults if fault.kind in BACKEND_KINDS
        ]
        await self._tell("faults", {"faults": declared})

    async def count_faults(self) -> list[int]:
        """Return how often each fault of `set_faults` struck, in that order.

        Raises:
            BackendFailed: it does not answer.
        """
        return list((await self._tell("faults", None))["struck"])

    async def strikes(self, *, after: int, wait_s: float) -> list[dict[str, Any]]:
        """Return the strikes of faults with a number above `after`, `number` and facts each.

        Waits for the first one, for `wait_s` seconds at most.

        Raises:
            BackendFailed: it does not answer.
        """
        return list((await self._tell("strikes", {"after": after, "wait_s": wait_s}))["strikes"])

    async def _tell(self, route: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            return await call(self._port, f"/_streamer/{route}", body=body, secret=self._secret)
        except (CallFailed, OSError, ValueError) as error:
            raise BackendFailed(
                f"LocalStack could not be told about its {route} ({error}); see that it still runs.",
                self.log_tail(LOG_TAIL_LINES),
            ) from error

    async def died(self) -> int:
        """Wait until the process has ended, by whatever cause; return its exit code (< 0: a signal)."""
        if self._process is None:
            raise BackendFailed("LocalStack is not started; call start() first.")
        return await self._process.wait()

    def failure(self) -> BackendFailed:
        """Return the error that says that the process is dead, with the end of its log."""
        code = self._process.returncode if self._process is not None else None
        return BackendFailed(
            f"LocalStack has ended (exit code {code}); start the emulator again.",
            self.log_tail(LOG_TAIL_LINES),
        )

    def log_tail(self, lines: int) -> str:
        """Return the last `lines` lines of its log, `""` where there is none."""
        try:
            with self.log_path.open(encoding="utf-8", errors="replace") as log:
                return "".join(deque(log, lines)).rstrip()
        except OSError:
            return ""

    async def _wait_until_ready(self, port: int) -> None:
        """Ask for its health: the socket listens already, so the question waits until it can be answered."""
        assert self._process is not None
        asking = asyncio.ensure_future(_health(port))
        dying = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait(
                {asking, dying}, timeout=self._ready_timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if asking.done() and asking.exception() is None:
                self._version = asking.result()
                return
            if asking.done() and not dying.done():
                # The connection of a process that ends breaks a moment before it is reaped.
                await asyncio.wait({dying}, timeout=1.0)
            if dying.done():
                code = dying.result()
                raise BackendFailed(
                    f"LocalStack ended while it started (exit code {code}); the log's last lines say why.",
                    self.log_tail(LOG_TAIL_LINES),
                )
            raise BackendFailed(
                f"LocalStack does not answer {self._ready_timeout_s:g} s after its start; the log's last"
                " lines may say why, and a slow machine needs a longer time-out.",
                self.log_tail(LOG_TAIL_LINES),
            )
        finally:
            asking.cancel()
            dying.cancel()
            await asyncio.gather(asking, dying, return_exceptions=True)

    def _surroundings(self, port: int, descriptor: int) -> dict[str, str]:
        """Return the child's environment: nothing of AWS, proxies or LocalStack settings is taken over."""
        home = environment.folder()
        surroundings = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        surroundings |= {
            "PYTHONPATH": str(environment.PROVIDER),
            "PYTHONUNBUFFERED": "1",
            "XDG_CACHE_HOME": str(home.with_name("cache")),  # where the plugin manager keeps its index
            "EMULATOR_LISTENING_SOCKET": str(descriptor),
            "EMULATOR_SECRET": self._secret,
            "GATEWAY_SERVER": "loopback",
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "LOCALSTACK_HOST": f"127.0.0.1:{port}",
            "FILESYSTEM_ROOT": str(self._files),
            "TEMP": str(self._files),  # for `tempfile`; of `TMPDIR` LocalStack says that it is deprecated
            "CONFIG_DIR": str(self._files / "config"),
            "PROVIDER_OVERRIDE_DYNAMODB": "embedded",
            "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "embedded",
            "LS_LOG": "warning",  # not a line per request, in which an error would drown
            "DNS_ADDRESS": "0",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DISABLE_EVENTS": "1",
            "DISABLE_CORS_CHECKS": "1",  # our plugin lets in pages of this machine only
            **ISOLATION,
        }
        return {**surroundings, **self._settings}


async def _health(port: int) -> str:
    """Return the version that LocalStack's health page names. Raises CallFailed, OSError or ValueError."""
    try:
        return str((await call(port, "/_localstack/health"))["version"])
    except KeyError as error:
        raise ValueError("no health page") from error
