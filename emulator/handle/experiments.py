"""What a sandbox does on purpose: advances its clock, breaks things, fires schedules."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from emulator.handle.views import Faults


class Experiments(ABC):
    """The part of `Sandbox` that changes what happens."""

    @abstractmethod
    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any: ...

    async def advance_clock(self, seconds: float) -> dict[str, Any]:
        """Move the sandbox's time forward; nothing is waited for.

        The gateway's idle timeout and two hours, retries, ages, batching windows and schedules follow at
        once; environments have the new time from their next invocation on, and LocalStack from its next
        call on (its TTL deletions happen now). Inline functions and another back end keep the machine's time.

        Returns:
            `{"now", "offset_s", "backend_follows"}`; `now` as ISO 8601.

        Raises:
            EmulatorError: time would go back, or past the year 2250.
        """
        told: dict[str, Any] = await self._call("POST", "/clock/advance", {"seconds": seconds})
        return told

    async def clock(self) -> dict[str, Any]:
        """Tell the sandbox's time, as `advance_clock` does."""
        told: dict[str, Any] = await self._call("GET", "/clock")
        return told

    async def add_fault(
        self,
        kind: str,
        *,
        probability: float = 1.0,
        times: int | None = 1,
        skip: int = 0,
        delay_s: float = 0.0,
        code: str = "",
        seed: int = 0,
        **where: str,
    ) -> str:
        """Let something go wrong; see `emulator.faults.FaultKind` for what, and `Fault` for the numbers.

        Args:
            where: facts that must be equal, `function="executor"` for example.

        Returns:
            The fault's id, for `remove_fault`.

        Raises:
            EmulatorError: there is no such kind, or the back end cannot do it.
        """
        fault = {
            "kind": kind,
            "where": where,
            "probability": probability,
            "times": times,
            "skip": skip,
            "delay_s": delay_s,
            "code": code,
            "seed": seed,
        }
        answer = await self._call("POST", "/faults", fault)
        return str(answer["id"])

    async def faults(self) -> Faults:
        """List the declared faults and how often each struck."""
        return Faults(await self._call("GET", "/faults"))

    async def remove_fault(self, fault_id: str) -> None:
        """Take a fault back. Raises EmulatorError where there is none of that id."""
        await self._call("POST", "/faults/remove", {"id": fault_id})

    async def clear_faults(self) -> None:
        """Take every fault back."""
        await self._call("POST", "/faults/clear")

    async def kill_environment(self, function: str, *, pid: int | None = None) -> int | None:
        """End an environment of `function` with SIGKILL: the one of `pid`, else one at work, else any.

        Returns:
            The id of the process that was killed, None where there was none.
        """
        killed: int | None = await self._call(
            "POST", "/environments/kill", {"function": function, "pid": pid}
        )
        return killed

    async def cut_connection(self, connection_id: str) -> bool:
        """Cut a client's connection without a close frame; returns whether there was one."""
        return bool(await self._call("POST", "/connections/cut", {"connection_id": connection_id}))

    async def fire_schedule(self, name: str) -> None:
        """Fire a schedule now, without waiting for its time. Raises EmulatorError for an unknown one."""
        await self._call("POST", "/schedules/fire", {"name": name})

    async def enable_schedule(self, name: str, *, enabled: bool = True) -> None:
        """Let a schedule fire, or no longer. Raises EmulatorError for an unknown one."""
        await self._call("POST", "/schedules/enable", {"name": name, "enabled": enabled})
