"""What the control API can be told: calls that change what happens, on purpose."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from emulator.application import Application
from emulator.clock import SandboxClock, timestamp
from emulator.control.api import Handler
from emulator.control.fault_reading import read_fault
from emulator.control.looking import function_name
from emulator.control.names import whole_name
from emulator.control.strikes import Strikes, StrikingBackend
from emulator.errors import EmulatorError
from emulator.events.service import EventSources
from emulator.faults import BACKEND_KINDS, Fault, Faults
from emulator.gateway import Gateway
from emulator.runtime.service import LambdaService
from emulator.telemetry.timeline import Timeline


class SteerableBackend(StrikingBackend, Protocol):
    """A back end that follows the sandbox's clock and fails on purpose: our LocalStack."""

    async def set_clock_offset(self, offset_s: float) -> None:
        """Be ahead of the machine's time by this from now on."""
        ...

    async def set_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the faults that strike calls."""
        ...

    async def count_faults(self) -> Sequence[int]:
        """Return how often each fault struck, in the order in which they were set."""
        ...


class Experiments:
    """Advances the clock, breaks things, fires schedules."""

    def __init__(
        self,
        application: Application,
        *,
        clock: SandboxClock,
        faults: Faults,
        functions: LambdaService,
        gateways: Sequence[Gateway],
        events: EventSources,
        backend: SteerableBackend | None,
        timeline: Timeline,
    ) -> None:
        """Take the parts of a running sandbox; `backend` is None where it cannot be steered."""
        self._application = application
        self._clock = clock
        self._faults = faults
        self._functions = functions
        self._gateways = gateways
        self._events = events
        self._backend = backend
        self._timeline = timeline
        self._strikes: Strikes | None = None
        if backend is not None:
            self._strikes = Strikes(backend, timeline, lambda: bool(faults.of_kinds(*BACKEND_KINDS)))
        self._advancing = asyncio.Lock()
        self._changing = asyncio.Lock()  # the faults; what the back end hears last is what is declared

    async def close(self) -> None:
        """End what runs in the background."""
        if self._strikes is not None:
            await self._strikes.close()

    def table(self) -> Mapping[tuple[str, str], Handler]:
        """Return every call: method and path to its handler."""
        return {
            ("GET", "/clock"): self._time,
            ("POST", "/clock/advance"): self._advance,
            ("GET", "/faults"): self._list_faults,
            ("POST", "/faults"): self._add_fault,
            ("POST", "/faults/remove"): self._remove_fault,
            ("POST", "/faults/clear"): self._clear_faults,
            ("POST", "/environments/kill"): self._kill,
            ("POST", "/connections/cut"): self._cut,
            ("POST", "/schedules/fire"): self._fire,
            ("POST", "/schedules/enable"): self._enable,
        }

    # the clock

    async def _time(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        return {
            "now": timestamp(self._clock.now()),
            "offset_s": self._clock.offset_s,
            "backend_follows": self._backend is not None,
        }

    async def _advance(self, query: dict[str, str], body: dict[str, Any]) -> Any:
        seconds = body.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise EmulatorError(f"The clock is advanced by a number of seconds, 600 say, not by {seconds!r}.")
        async with self._advancing:
            try:
                self._clock.check(seconds)
            except ValueError as error:
                raise EmulatorError(str(error)) from error
            if self._backend is not None:
                # First, so that whatever the advance sets in motion finds the back end at the same time.
                await self._backend.set_clock_offset(self._clock.offset_s + seconds)
            self._clock.advance(seconds)
            self._timeline.record("clock.advanced", seconds=seconds, offset_s=self._clock.offset_s)
        return await self._time(query, body)

    # faults

    async def _list_faults(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        async with self._changing:
            told = self._faults.describe()
            in_backend = [fault for kind in BACKEND_KINDS for fault in told if fault["kind"] == kind]
            if in_backend and self._backend is not None:
                for fault, struck in zip(in_backend, await self._backend.count_faults(), strict=True):
                    fault["struck"] = struck
        return told

    async def _add_fault(self, _query: dict[str, str], body: dict[str, Any]) -> Any:
        functions = [function.name for function in self._application.functions]
        tables = [table.name for table in self._application.tables]
        tables += [mapping.table for mapping in self._events.status().stream_mappings]  # made at run time too
        # In a thread: descriptions of AWS's services are read from files.
        fault = await asyncio.to_thread(read_fault, body, functions=functions, tables=tables)
        if fault.kind in BACKEND_KINDS and self._backend is None:
            raise EmulatorError(
                "Calls to this back end cannot be made to fail: only LocalStack, as the sandbox starts it,"
                " can; leave out the AWS endpoint."
            )
        async with self._changing:
            fault_id = self._faults.add(fault)
            if fault.kind in BACKEND_KINDS:
                await self._tell_backend()
        self._timeline.record("fault.added", id=fault_id, fault=fault.kind.value, **fault.where)
        return {"id": fault_id}

    async def _remove_fault(self, _query: dict[str, str], body: dict[str, Any]) -> Any:
        fault_id = body["id"]
        async with self._changing:
            known = {fault["id"]: fault["kind"] for fault in self._faults.describe()}
            if fault_id not in known:
                raise EmulatorError(
                    f"There is no fault {fault_id!r}; there are {', '.join(sorted(known)) or 'none'}."
                )
            self._faults.remove(fault_id)
            if known[fault_id] in BACKEND_KINDS:
                await self._tell_backend()
        return {}

    async def _clear_faults(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        async with self._changing:
            cleared = len(self._faults.describe())
            self._faults.clear()
            await self._tell_backend()
        return {"cleared": cleared}

    async def _tell_backend(self) -> None:
        if self._backend is not None and self._strikes is not None:
            await self._backend.set_faults(self._faults.of_kinds(*BACKEND_KINDS))
            self._strikes.follow()

    # things

    async def _kill(self, _query: dict[str, str], body: dict[str, Any]) -> Any:
        name = function_name(self._application, body["function"])
        return await self._functions.kill_environment(name, body.get("pid"))

    async def _cut(self, _query: dict[str, str], body: dict[str, Any]) -> Any:
        connection_id = str(body["connection_id"])
        return any(gateway.cut(connection_id) for gateway in self._gateways)

    async def _fire(self, _query: dict[str, str], body: dict[str, Any]) -> Any:
        name = self._schedule(body)
        await self._events.fire(name)
        return {"name": name}

    async def _enable(self, _query: dict[str, str], body: dict[str, Any]) -> Any:
        change = self._events.enable_schedule if body["enabled"] else self._events.disable_schedule
        name = self._schedule(body)
        change(name)
        return {"name": name}

    def _schedule(self, body: dict[str, Any]) -> str:
        names = [schedule.name for schedule in self._application.schedules]
        return whole_name(names, str(body["name"]), what="schedule")
