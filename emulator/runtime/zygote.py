"""The fork server as the emulator sees it: start, kill, and be told of ends."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from emulator.errors import StartFailed
from emulator.runtime.settings import RuntimeSettings, StartMethod
from emulator.runtime.variables import fixed_variables

_CHILD = Path(__file__).parent / "child"
_CLIENT_PATH = str(Path(__file__).parent / "pure_runtime_client.py")


class Exit(NamedTuple):
    """How a process ended.

    Attributes:
        status: exit code, or minus the signal's number.
        max_rss_kb: the most memory it had, 0 where unknown.
    """

    status: int
    max_rss_kb: int = 0


class _ForkServerEnded(StartFailed):
    """The fork server died while it was needed."""


class Zygote:
    """One child program that starts the environments of one code folder.

    It lives in a session of its own and ends, with everything that it started, when this side's socket
    closes. If it dies itself, every environment of it is reported as killed, and the next start boots
    another. Used from the event loop only, and started from the loop's thread.
    """

    def __init__(self, code: Path, settings: RuntimeSettings, *, log: Path | None = None) -> None:
        self._code = str(code)
        self._settings = settings
        self._fork = resolve_start_method(settings.start_method) is StartMethod.FORK
        self._log = log
        self._booting = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None  # the program's guard, where it has one
        self._pid: int | None = None
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._ready: asyncio.Future[dict[str, Any]] | None = None
        self._starting: dict[str, asyncio.Future[int]] = {}
        self._exits: dict[str, Callable[[Exit], None]] = {}
        self._pids: dict[str, int] = {}
        self._sending = asyncio.Lock()
        self.missing: list[str] = []
        self.runs_processes = True

    @property
    def pid(self) -> int | None:
        """Process id, or None while it does not run."""
        return self._pid if self._process is not None else None

    @property
    def guard_pid(self) -> int | None:
        """Process id of its parent, which ends what it leaves; None where there is none."""
        if self._process is None or self._process.pid == self._pid:
            return None
        return self._process.pid

    async def boot(self) -> None:
        """Start the program unless it runs, and wait until it is ready. Raises StartFailed."""
        async with self._booting:
            if self._process is not None:
                return
            loop = asyncio.get_running_loop()
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            ready: asyncio.Future[dict[str, Any]] = loop.create_future()
            self._ready = ready
            try:
                self._process = self._launch(theirs)
            except OSError as error:
                ours.close()
                raise StartFailed(f"The fork server did not start: {error}.") from error
            finally:
                theirs.close()
            self._socket, self._buffer, self._pid = ours, b"", None
            loop.add_reader(ours.fileno(), self._readable)
            try:
                async with asyncio.timeout(self._settings.boot_timeout_s):
                    told = await ready
                    self.missing, self._pid = told["missing"], told["pid"]
            except TimeoutError:
                self._lost()
                raise StartFailed(
                    f"The fork server of {self._code} was not ready after"
                    f" {self._settings.boot_timeout_s:g} s; look at its log, or set start_method to spawn."
                ) from None
            except BaseException:
                self._lost()
                raise

    def open_output(self, key: str) -> tuple[int, int]:
        """Make the pipe that takes the output of the environment's process."""
        return os.pipe()

    async def start(
        self, key: str, variables: Mapping[str, str], output: int, on_exit: Callable[[Exit], None]
    ) -> int:
        """Start an environment's process and return its id; once more if the fork server dies meanwhile.

        Args:
            output: descriptor that becomes the process's standard output and error; stays the caller's.
            on_exit: called once, on the event loop, after the process has ended.

        Raises:
            StartFailed: the machine refuses another process, or the fork server does not stay alive.
        """
        try:
            return await self._start(key, variables, output, on_exit)
        except _ForkServerEnded:
            return await self._start(key, variables, output, on_exit)

    async def _start(
        self, key: str, variables: Mapping[str, str], output: int, on_exit: Callable[[Exit], None]
    ) -> int:
        await self.boot()
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._starting[key] = started
        self._exits[key] = on_exit
        message = {
            "start": key,
            "variables": dict(variables),
            "code": self._code,
            "client": str(self._settings.runtime_client),
        }
        try:
            await self._send(message, [output])
            return await started
        except OSError as error:
            self._lost()
            raise _ForkServerEnded("The fork server ended while an environment was started.") from error
        finally:
            self._starting.pop(key, None)
            if started.cancelled() or not started.done() or started.exception() is not None:
                self._exits.pop(key, None)
                if self._socket is not None:
                    self.kill(key)

    def kill(self, key: str) -> None:
        """Kill the environment's process group; nothing happens if it has ended."""
        if self._socket is None:
            return
        data = _frame({"kill": key})
        with contextlib.suppress(OSError):
            if self._sending.locked() or self._socket.send(data) != len(data):
                # The socket's buffer is full, which only a stopped fork server makes possible.
                self._lost()

    async def stop(self) -> None:
        """End the program and all that it started; idempotent."""
        process, sock = self._process, self._socket
        if process is None or sock is None:
            return
        asyncio.get_running_loop().remove_reader(sock.fileno())
        sock.close()
        self._process = self._socket = None
        self._pids.clear()
        self._fail_pending(StartFailed("The Lambda service stops; start it again, then repeat the call."))
        try:
            await asyncio.to_thread(process.wait, 5)
        except subprocess.TimeoutExpired:
            self._kill_program(process)
            await asyncio.to_thread(process.wait)
        self._report_all_killed()

    def _launch(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        options = {
            "fork": self._fork,
            "code": self._code,
            "client_path": _CLIENT_PATH,
            "preload": self._settings.preload,
            "clients": self._settings.preload_clients,
        }
        variables = fixed_variables(path=os.environ.get("PATH", os.defpath))
        command = [sys.executable, str(_CHILD / "zygote.py"), str(theirs.fileno()), json.dumps(options)]
        with open(self._log or os.devnull, "ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._code,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    async def _send(self, message: Mapping[str, Any], descriptors: list[int]) -> None:
        data = _frame(message)
        loop = asyncio.get_running_loop()
        async with self._sending:
            sock = self._socket
            if sock is None:
                raise BrokenPipeError("the fork server has ended")
            sent = 0
            while sent < len(data):
                try:
                    sent += socket.send_fds(sock, [data[sent:]], descriptors if sent == 0 else [])
                except BlockingIOError:
                    writable = loop.create_future()
                    loop.add_writer(sock.fileno(), _resolve, writable)
                    try:
                        await writable
                    finally:
                        loop.remove_writer(sock.fileno())

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        self._buffer += data
        while len(self._buffer) >= 4:
            end = 4 + int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < end:
                return
            message = json.loads(self._buffer[4:end])
            self._buffer = self._buffer[end:]
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        if "exited" in message:
            self._pids.pop(message["exited"], None)
            on_exit = self._exits.pop(message["exited"], None)
            if on_exit is not None:
                on_exit(Exit(message["status"], message["max_rss_kb"]))
        elif "started" in message:
            self._pids[message["started"]] = message["pid"]
            started = self._starting.get(message["started"])
            if started is not None and not started.done():
                started.set_result(message["pid"])
        elif "refused" in message:
            started = self._starting.get(message["refused"])
            if started is not None and not started.done():
                started.set_exception(
                    StartFailed(
                        f"The machine refuses another environment: {message['why']}; lower max_environments."
                    )
                )
        elif self._ready is not None and not self._ready.done():
            self._ready.set_result(message["ready"])

    def _lost(self) -> None:
        """The program ended, or is of no use any more."""
        process, sock = self._process, self._socket
        self._process = self._socket = None
        if sock is not None:
            asyncio.get_running_loop().remove_reader(sock.fileno())
            sock.close()
        if process is not None:
            self._kill_program(process)
            process.wait()
        pids, self._pids = self._pids, {}
        for pid in pids.values():  # what they started is in their groups, and hears of no parent's death
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        self._fail_pending(_ForkServerEnded(f"The fork server of {self._code} ended; look at its log."))
        self._report_all_killed()

    def _kill_program(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill the program, and not its guard, which ends by itself when it has seen to what is left."""
        if self._pid is None:
            process.kill()
        elif process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._pid = None

    def _fail_pending(self, failure: StartFailed) -> None:
        """Tell who waits for the program or a process of it; what did not start did not end either."""
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(failure)
        for key, started in self._starting.items():
            if not started.done():
                self._exits.pop(key, None)
                started.set_exception(failure)

    def _report_all_killed(self) -> None:
        exits, self._exits = self._exits, {}
        for on_exit in exits.values():
            on_exit(Exit(-9))


def resolve_start_method(method: StartMethod, platform: str = sys.platform) -> StartMethod:
    """Return `FORK` or `SPAWN`."""
    method = StartMethod(method)
    if method is not StartMethod.AUTO:
        return method
    return StartMethod.FORK if platform == "linux" else StartMethod.SPAWN


def _frame(message: Mapping[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    return len(data).to_bytes(4, "big") + data


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
