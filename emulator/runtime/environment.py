"""One execution environment: a process that runs the function, and what it is doing."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from emulator.application import Function
from emulator.clock import Clock, timestamp
from emulator.errors import StartFailed
from emulator.runtime import payloads
from emulator.runtime.inline import Starter
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Event, IllegalTransition, Status, step
from emulator.runtime.logs import BoundedText, InvocationLog, init_start_line, start_line
from emulator.runtime.memory import peak_memory_mb
from emulator.runtime.runtime_api import RuntimeApi
from emulator.runtime.settings import RuntimeSettings
from emulator.runtime.zygote import Exit

_READ_BYTES = 65_536
_DRAIN_READS = 4
"""More than a pipe holds (64 KiB on Linux), and an end where a process writes as fast as it is read."""

_MEMORY_SAMPLE_S = 0.25
"""How old a figure of the process's memory may be; reading it costs as much as a third of a call."""


class Owner(Protocol):
    """Who is told what happens to an environment."""

    def environment_ready(self, environment: "Environment", *, first: bool) -> None:
        """It asks for an invocation."""

    def invocation_ended(self, environment: "Environment", invocation: Invocation, outcome: Outcome) -> None:
        """It has an outcome; it is finishing, or dead already."""

    def environment_ended(
        self, environment: "Environment", *, before: Status, failure: Outcome | None
    ) -> None:
        """It is of no use any more; `failure` is why it did not start, and only then set.

        Args:
            before: what it was doing.
        """

    def environment_gone(self, environment: "Environment") -> None:
        """The operating system has no such process any more; before or after `environment_ended`."""


class Environment:
    """Runs invocations of one function, one at a time, until its process ends.

    Whatever ends it (the process exits, is killed, times out, cannot load the function), its owner is
    told exactly once by `environment_ended`, and a running invocation gets its outcome before that.

    Attributes:
        exited: done when the operating system has no such process any more.
    """

    def __init__(
        self,
        key: str,
        function: Function,
        *,
        owner: Owner,
        starter: Starter,
        settings: RuntimeSettings,
        clock: Clock,
        provisioned: bool = False,
    ) -> None:
        self.key = key
        self.function = function
        self.provisioned = provisioned
        self.status = Status.STARTING
        self.pid: int | None = None
        self.invocations = 0
        self.init_ms: float | None = None
        self.started_at = clock.now()
        self.exited = asyncio.Event()
        self.log: InvocationLog | None = None
        self._owner = owner
        self._starter = starter
        self._settings = settings
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._began = time.perf_counter()  # the loop's own time may have whole milliseconds only
        self._init_output = BoundedText(settings.max_log_bytes)
        self._output: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._invocation: Invocation | None = None
        self._exit: Exit | None = None
        self._state_at_end: Status | None = None
        self._max_memory = (0.0, 0)
        self._asked_early = False

    async def start(self, variables: Callable[[str], Mapping[str, str]]) -> None:
        """Start the process; it is ready when the owner is told.

        Args:
            variables: makes the environment variables from the Runtime API's `host:port`.

        Raises:
            StartFailed: there is no process. The owner is told nothing then.
        """
        port = await self._api.listen()
        read, write = self._starter.open_output(self.key)
        os.set_blocking(read, False)
        self._output = read
        self._loop.add_reader(read, self._read_output)
        # Lambda breaks off a slow init and repeats it as part of the first invocation, within the
        # function's timeout; here it goes on in the same process for as long.
        limit_s = self._settings.init_timeout_s + self.function.timeout_s
        self._timer = self._loop.call_later(limit_s, self._init_timed_out)
        try:
            pid = await self._starter.start(
                self.key, variables(f"127.0.0.1:{port}"), write, self._process_exited
            )
        except BaseException as error:
            told = self.status is Status.DEAD
            self._status_step(Event.ENDED)
            self._stop_timer()
            self._release()
            self.exited.set()
            if told and isinstance(error, StartFailed):
                self._owner.environment_gone(self)
                return
            raise
        finally:
            os.close(write)
        self.pid = pid
        if self.status is Status.DEAD:  # killed meanwhile
            self._starter.kill(self.key)
        elif self._asked_early:
            self.asked()

    def run(self, invocation: Invocation) -> None:
        """Give the waiting runtime an invocation; only while idle."""
        self._status_step(Event.ASSIGNED)
        self._invocation = invocation
        self.invocations += 1
        now = self._clock.now()
        log = InvocationLog(
            function=self.function.name,
            request_id=invocation.request_id,
            started_at=now,
            output=BoundedText(self._settings.max_log_bytes),
            cold=self.invocations == 1 and not self.provisioned,
            pid=self.pid,
        )
        self._drain()
        if self.invocations == 1:
            log.output.append(init_start_line().encode() + self._init_output.text().encode())
        log.output.append(start_line(invocation.request_id).encode())
        self.log = invocation.log = log
        timeout_s = self.function.timeout_s
        self._began = time.perf_counter()  # the loop's own time may have whole milliseconds only
        if self._starter.runs_processes:
            self._timer = self._loop.call_later(timeout_s, self._timed_out)
        # The process compares the deadline with its own clock, so it is in the machine's time.
        invocation.headers["Lambda-Runtime-Deadline-Ms"] = str(int((time.time() + timeout_s) * 1000))
        self._api.deliver(invocation.headers, invocation.payload)

    def kill(self) -> None:
        """End the process now; a running invocation ends as if the process had been killed."""
        self._die(Outcome(b"", payloads.UNHANDLED), status=-9)

    def signal_kill(self) -> None:
        """SIGKILL the process and let the service find out, as a fault of the machine would."""
        if self._starter.runs_processes:
            self._starter.kill(self.key)
        else:  # a thread goes on, and must not have its answer taken meanwhile
            self.kill()

    def elapsed_ms(self) -> float:
        """Return how long the current invocation (or the start) has taken."""
        return (time.perf_counter() - self._began) * 1000

    def max_memory_mb(self) -> int:
        """Return the most memory that the process has had, a quarter of a second ago or later."""
        now = self._loop.time()
        sampled_at, value = self._max_memory
        if self.pid is not None and self._exit is None and (not value or now - sampled_at > _MEMORY_SAMPLE_S):
            value = max(value, peak_memory_mb(self.pid))
            self._max_memory = (now, value)
        return value

    # what the Runtime API reports

    def asked(self) -> None:
        first = self.status is Status.STARTING
        if first and self.pid is None:  # it was quicker than the news of its start
            self._asked_early = True
            return
        self._status_step(Event.ASKED)
        if first:
            self._stop_timer()
            self.init_ms = self.elapsed_ms()
        self._owner.environment_ready(self, first=first)

    def responded(self, request_id: str, body: bytes | None) -> None:
        invocation = self._answered(request_id)
        if body is None:
            error_type = "Function.ResponseSizeTooLarge"
            outcome = Outcome(payloads.too_large_payload(), payloads.UNHANDLED, error_type, "error")
        else:
            outcome = Outcome(body)
        self._owner.invocation_ended(self, invocation, outcome)

    def failed(self, request_id: str, body: bytes) -> None:
        self._owner.invocation_ended(self, self._answered(request_id), Outcome(body, payloads.UNHANDLED))

    def init_failed(self, body: bytes) -> None:
        if self.status is not Status.STARTING:
            raise IllegalTransition(self.status, Event.ENDED)
        self._die(Outcome(body, payloads.UNHANDLED, status="error"), status=1)

    def abandoned(self) -> None:
        if self.status is Status.IDLE:
            self.kill()

    def disconnected(self) -> None:
        if self._exit is not None:
            self._conclude()

    # ends

    def _process_exited(self, ended: Exit) -> None:
        self._exit = ended
        self.exited.set()
        if ended.max_rss_kb:
            self._max_memory = (self._loop.time(), ended.max_rss_kb // 1024)
        if self.status is Status.DEAD or not self._api.connections:
            self._conclude()
        else:  # what it sent before its end is still to be read from the socket
            self._loop.call_later(self._settings.exit_grace_s, self._conclude)
        self._owner.environment_gone(self)

    def _conclude(self) -> None:
        status = self._exit.status if self._exit is not None else None
        self._die(Outcome(b"", payloads.UNHANDLED), status=status)
        self._release()

    def _timed_out(self) -> None:
        assert self._invocation is not None
        request_id, timeout_s, now = self._invocation.request_id, self.function.timeout_s, self._clock.now()
        payload = payloads.timeout_payload(
            request_id, timeout_s, at=now, classic=self._settings.classic_timeout_payload
        )
        line = f"{timestamp(now)} {request_id} Task timed out after {timeout_s:.2f} seconds\n\n"
        self._die(Outcome(payload, payloads.UNHANDLED, status="timeout", line=line), status=None)

    def _init_timed_out(self) -> None:
        self._die(Outcome(b"", payloads.UNHANDLED, status="timeout"), status=None)

    def _die(self, outcome: Outcome, *, status: int | None) -> None:
        """Leave the living once; an outcome without a payload is about the process's exit."""
        if self.status is Status.DEAD:
            return
        before = self._state_at_end = self._status_step(Event.ENDED)
        self._stop_timer()
        self._drain()
        if self._exit is None:
            self._starter.kill(self.key)
        invocation, self._invocation = self._invocation, None
        if invocation is not None:
            if not outcome.payload:
                outcome = exit_outcome(invocation.request_id, status)
            self._owner.invocation_ended(self, invocation, outcome)
        failure = outcome if before is Status.STARTING else None
        self._owner.environment_ended(self, before=before, failure=failure)

    def init_output(self) -> str:
        """Return what the process wrote before its first invocation."""
        return init_start_line() + self._init_output.text()

    @property
    def state_at_end(self) -> Status:
        """Return what it was doing when it ended, or is doing."""
        return self._state_at_end or self.status

    @property
    def exit_status(self) -> int | None:
        """Exit code, or minus the signal's number; None while it is not known."""
        return self._exit.status if self._exit is not None else None

    def _release(self) -> None:
        """Give back the port and the pipe."""
        self._api.close()
        self._drain()
        self._close_output()

    # small change

    def _answered(self, request_id: str) -> Invocation:
        invocation = self._invocation
        if invocation is None or invocation.request_id != request_id:
            raise IllegalTransition(self.status, Event.ANSWERED)
        self._status_step(Event.ANSWERED)
        self._invocation = None
        self._stop_timer()
        self._drain()
        return invocation

    def _status_step(self, event: Event) -> Status:
        before = self.status
        self.status = step(before, event)
        return before

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drain(self) -> None:
        """Read all that the process has written so far, so that it belongs to the right invocation."""
        for _ in range(_DRAIN_READS):
            if not self._read_output():
                return

    def _read_output(self) -> bool:
        if self._output is None:
            return False
        try:
            data = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:  # every writer is gone
            self._close_output()
            return False
        (self.log.output if self.log is not None else self._init_output).append(data)
        return len(data) == _READ_BYTES

    def _close_output(self) -> None:
        if self._output is not None:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = None


def exit_outcome(request_id: str, status: int | None) -> Outcome:
    """Return the outcome of an invocation whose process ended."""
    line = f"RequestId: {request_id} Error: {payloads.exit_reason(status)}\nRuntime.ExitError\n"
    payload = payloads.exit_payload(request_id, status)
    return Outcome(payload, payloads.UNHANDLED, "Runtime.ExitError", "error", line)
