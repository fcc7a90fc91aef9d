"""LocalStack as a child process: started on a socket of ours, watched, ended with us."""

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from emulator.account import ISOLATION
from emulator.errors import BackendFailed
from emulator.localstack import environment
from emulator.localstack.backend import Backend
from emulator.virtual_environment import EnvironmentFailed

READY_TIMEOUT_S = 60.0
"""Seconds until it must answer; a warm start takes one, the first on a slow disk several."""

STOP_TIMEOUT_S = 5.0

LOG_TAIL_LINES = 30

_BACKLOG = 512
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
_HEALTH_REQUEST = b"GET /_localstack/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


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
        self._endpoint_url = ""
        self._version = ""

    @property
    def endpoint_url(self) -> str:
        """Where it is served, `http://127.0.0.1:<port>`; known once it is started."""
        return self._endpoint_url

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
        return Backend("LocalStack", self._version, "embedded", self._endpoint_url, waits_for_records=True)

    async def start(self) -> None:
        """Make its environment where it must be, start it and wait until it answers.

        Raises:
            BackendFailed: it could not be started, died, or does not answer in time; nothing is left running.
        """
        try:
            python = await asyncio.to_thread(environment.make, self._report)
        except EnvironmentFailed as error:
            raise BackendFailed(f"LocalStack's environment could not be made. {error}") from error
        self._files.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
            port = listener.getsockname()[1]
            self._endpoint_url = f"http://127.0.0.1:{port}"
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
        try:
            await self._wait_until_ready(port)
        except BaseException:
            await self.stop()
            raise

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
            **ISOLATION,
        }
        return {**surroundings, **self._settings}


async def _health(port: int) -> str:
    """Return the version that LocalStack's health page names. Raises OSError or ValueError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_HEALTH_REQUEST)
        answer = await reader.read()
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise ValueError("not healthy")
        return str(json.loads(body)["version"])
    finally:
        writer.close()
