"""One execution environment: a process that runs the function, and what it is doing."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from emulator.application import Function
from emulator.clock import Clock
from emulator.errors import StartFailed
from emulator.runtime.deadlines import deadline_headers
from emulator.runtime.environment_log import EnvironmentLog
from emulator.runtime.freezing import Freezer
from emulator.runtime.inline import Starter
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Event, IllegalTransition, Status, step
from emulator.runtime.memory_watch import MemoryWatch
from emulator.runtime.outcomes import exit_outcome, init_error_outcome, timeout_outcome, too_large_outcome
from emulator.runtime.owners import Owner
from emulator.runtime.payloads import UNHANDLED
from emulator.runtime.runtime_api import RuntimeApi
from emulator.runtime.settings import PROVISIONED_INIT_TIMEOUT_S, RuntimeSettings
from emulator.runtime.sites import Site
from emulator.runtime.variables import ON_DEMAND, PROVISIONED
from emulator.runtime.zygote import Exit

_EXITED = Outcome(b"", UNHANDLED)
"""That the process has ended; the invocation's id and the status make the rest."""


class Environment:
    """Runs invocations of one function, one at a time, until its process ends.

    Whatever ends it (the process exits, is killed, times out, cannot load the function), its owner is
    told exactly once by `environment_ended`, and a running invocation gets its outcome before that.

    Args:
        site: where it runs; None for one without a process.
        failed: one that did not load the function; this one tries again, within the invocation `call`.
        call: the invocation that it is started for and that its initialisation is a part of, or None.

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
        site: Site | None = None,
        failed: "Environment | None" = None,
        call: Invocation | None = None,
    ) -> None:
        self.key = key
        self.function = function
        self.provisioned = provisioned
        self.site = site
        self.call = call
        self.status = Status.STARTING
        self.pid: int | None = None
        self.invocations = 0
        self.init_ms: float | None = None
        self.started_at = clock.now()
        self.exited = asyncio.Event()
        self.log = EnvironmentLog(
            function,
            clock=clock,
            initialization_type=PROVISIONED if provisioned else ON_DEMAND,
            max_bytes=settings.max_log_bytes,
        )
        self._owner = owner
        self._starter = starter
        self._settings = settings
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._began = time.perf_counter()  # the loop's own time may have whole milliseconds only
        self._timer: asyncio.TimerHandle | None = None
        self._invocation = call
        self._exit: Exit | None = None
        self._state_at_end: Status | None = None
        self._memory = MemoryWatch(
            limit_mb=function.memory_mb if settings.enforce_memory_limit else None,
            exceeded=self._out_of_memory,
        )
        self._asked_early = False
        self._freezer = Freezer()
        is_reset = site is not None and site.is_used
        self.log.begin(failed.log.init_text() if failed is not None else "" if is_reset else None)
        if call is not None:
            self.log.open(call, first=True, cold=True, pid=None)

    async def start(self, variables: Callable[[str], Mapping[str, str]]) -> None:
        """Start the process; it is ready when the owner is told, or when it runs its `call`.

        Args:
            variables: makes the environment variables from the Runtime API's `host:port`.

        Raises:
            StartFailed: there is no process. The owner is told nothing then.
        """
        port = await self._api.listen()
        write: int | None = None
        try:
            read, write = self._starter.open_output(self.key)
            self.log.attach(read)
            self._begin_init()
            pid = await self._starter.start(
                self.key, variables(f"127.0.0.1:{port}"), write, self._process_exited
            )
        except BaseException as error:
            told = self.status is Status.DEAD
            self._status_step(Event.ENDED)
            self._stop_timers()
            self._release()
            self.exited.set()
            if told and isinstance(error, StartFailed):
                self._owner.environment_gone(self)
                return
            raise
        finally:
            if write is not None:
                os.close(write)
        self.pid = pid
        if self.log.invocation is not None:
            self.log.invocation.pid = pid
        if self.status is Status.DEAD:  # killed meanwhile
            self._starter.kill(self.key)
            return
        if self._starter.runs_processes:
            self._memory.begin(pid)
        if self._asked_early:
            self.asked()

    def run(self, invocation: Invocation) -> None:
        """Take an invocation, which `hand_over` gives to the waiting runtime; only while idle."""
        first = not self.invocations
        self.log.open(invocation, first=first, cold=first and not self.provisioned, pid=self.pid)
        self._began = time.perf_counter()
        if self._starter.runs_processes:
            self._timer = self._loop.call_later(self.function.timeout_s, self._timed_out)
            assert self.pid is not None
            self._memory.begin(self.pid)
        self._assign(invocation, self.function.timeout_s)

    def hand_over(self) -> None:
        """Give the waiting runtime the invocation that was taken."""
        assert self._invocation is not None
        self._api.deliver(self._invocation.headers, self._invocation.payload)
        self._freezer.thaw()

    def kill(self) -> None:
        """End the process now; a running invocation ends as if the process had been killed."""
        self._die(_EXITED, status=-9)

    def signal_kill(self) -> None:
        """SIGKILL the process and let the service find out, as a fault of the machine would."""
        if self._starter.runs_processes:
            self._starter.kill(self.key)
        else:  # a thread goes on, and must not have its answer taken meanwhile
            self.kill()

    def runs(self, invocation: Invocation) -> bool:
        """Whether it has not answered `invocation` yet."""
        return self._invocation is invocation

    def elapsed_ms(self) -> float:
        """Return how long the current invocation (or the start) has taken."""
        return (time.perf_counter() - self._began) * 1000

    def max_memory_mb(self) -> int:
        """Return the most memory that the process and its children have had."""
        return self._memory.max_mb()

    @property
    def reported_init_ms(self) -> float | None:
        """Return what the first REPORT line says of the initialisation; nothing of one after a reset."""
        if self.call is not None or (self.site is not None and self.site.is_used):
            return None
        return self.init_ms

    # what the Runtime API reports

    def asked(self) -> None:
        first = self.status is Status.STARTING
        if first and self.pid is None:  # it was quicker than the news of its start
            self._asked_early = True
            return
        if self._exit is not None:  # it had asked before its end, which was told sooner
            self._conclude()
            return
        self._status_step(Event.ASKED)
        if first:
            self.init_ms = self.elapsed_ms()
            if self.call is not None:
                self._assign(self.call, self.function.timeout_s - self.init_ms / 1000)
                self.hand_over()
                return
            self._stop_timers()
        self._owner.environment_ready(self, first=first)
        if self.status is Status.IDLE and self._settings.freeze and self._starter.runs_processes:
            assert self.pid is not None
            self._freezer.begin(self.pid)

    def responded(self, request_id: str, body: bytes | None) -> None:
        invocation = self._answered(request_id)
        outcome = too_large_outcome() if body is None else Outcome(body)
        self._owner.invocation_ended(self, invocation, outcome)

    def failed(self, request_id: str, body: bytes | None) -> None:
        outcome = too_large_outcome() if body is None else Outcome(body, UNHANDLED)
        self._owner.invocation_ended(self, self._answered(request_id), outcome)

    def init_failed(self, body: bytes) -> None:
        if self.status is not Status.STARTING:
            raise IllegalTransition(self.status, Event.ENDED)
        self._die(init_error_outcome(body), status=1)

    def abandoned(self) -> None:
        if self.status is Status.IDLE:
            self.kill()

    def disconnected(self) -> None:
        if self._exit is not None:
            self._conclude()
        elif not self._starter.runs_processes:  # nothing else tells of a thread's end
            self._die(_EXITED, status=None)

    # ends

    def _process_exited(self, ended: Exit) -> None:
        self._exit = ended
        self.exited.set()
        self._memory.exited(ended.max_rss_kb // 1024)
        if self.status in (Status.STARTING, Status.BUSY) and self._api.connections:
            # What it sent before its end is still to be read from the socket.
            self._loop.call_later(self._settings.exit_grace_s, self._conclude)
        else:
            self._conclude()
        self._owner.environment_gone(self)

    def _conclude(self) -> None:
        status = self._exit.status if self._exit is not None else None
        self._die(_EXITED, status=status)
        self._release()

    def _timed_out(self) -> None:
        assert self._invocation is not None
        outcome = timeout_outcome(
            self._invocation.request_id,
            self.function.timeout_s,
            at=self._clock.now(),
            classic=self._settings.classic_timeout_payload,
        )
        self._die(outcome, status=None)

    def _init_timed_out(self) -> None:
        self._die(Outcome(b"", UNHANDLED, status="timeout"), status=None)

    def _out_of_memory(self) -> None:
        self._memory.cap(self.function.memory_mb)
        self._die(Outcome(b"", UNHANDLED, "Runtime.OutOfMemory", "error"), status=-9)

    def _die(self, outcome: Outcome, *, status: int | None) -> None:
        """Leave the living once; an outcome without a payload is about the process's exit."""
        if self.status is Status.DEAD:
            return
        before = self._state_at_end = self._status_step(Event.ENDED)
        self._stop_timers()
        self.log.drain()
        if self._exit is None:
            self._starter.kill(self.key)
        invocation, self._invocation = self._invocation, None
        if before is Status.STARTING:
            self.log.init_failed(outcome, self.elapsed_ms(), invocation)
        if invocation is not None:
            if not outcome.payload:
                outcome = exit_outcome(invocation.request_id, status, error_type=outcome.error_type)
            self._owner.invocation_ended(self, invocation, outcome)
        failure = outcome if before is Status.STARTING else None
        self._owner.environment_ended(self, before=before, failure=failure)

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
        self.log.close()

    # small change

    def _begin_init(self) -> None:
        """Hold the start to its limit: of the init phase, or of the invocation that it is a part of."""
        self._began = time.perf_counter()
        if self.call is not None:
            self._timer = self._loop.call_later(self.function.timeout_s, self._timed_out)
            return
        limit_s = self._settings.init_timeout_s
        if self.provisioned:
            limit_s = max(PROVISIONED_INIT_TIMEOUT_S, self.function.timeout_s)
        self._timer = self._loop.call_later(limit_s, self._init_timed_out)

    def _assign(self, invocation: Invocation, remaining_s: float) -> None:
        self._status_step(Event.ASSIGNED)
        self._invocation = invocation
        self.invocations += 1
        self.log.start(invocation)
        invocation.headers |= deadline_headers(
            self._clock, remaining_s=remaining_s, is_process=self._starter.runs_processes
        )

    def _answered(self, request_id: str) -> Invocation:
        invocation = self._invocation
        if invocation is None or invocation.request_id != request_id:
            raise IllegalTransition(self.status, Event.ANSWERED)
        self._status_step(Event.ANSWERED)
        self._invocation = None
        self._stop_timers()
        self.log.drain()
        return invocation

    def _status_step(self, event: Event) -> Status:
        before = self.status
        self.status = step(before, event)
        self._freezer.cancel()
        return before

    def _stop_timers(self) -> None:
        self._memory.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
