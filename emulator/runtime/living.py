"""The execution environments that there are, until their processes have ended."""

import asyncio
from collections.abc import Iterator

from emulator.runtime.environment import Environment
from emulator.runtime.lifecycle import Status


class Living:
    """Knows the environments by their keys, and tells who waits that something about one has changed."""

    def __init__(self) -> None:
        self._environments: dict[str, Environment] = {}
        self._changed = asyncio.Event()

    def __iter__(self) -> Iterator[Environment]:
        """Go through those that are of use: a dead one's process may still be ending."""
        return (one for one in list(self._environments.values()) if one.status is not Status.DEAD)

    def add(self, environment: Environment) -> None:
        """Keep an environment that is being started."""
        self._environments[environment.key] = environment

    def remove(self, environment: Environment) -> None:
        """Forget one that has no process."""
        self._environments.pop(environment.key, None)
        self.note()

    def kill_all(self) -> None:
        """End every process."""
        for environment in list(self._environments.values()):
            environment.kill()

    def clear(self) -> None:
        """Forget all."""
        self._environments.clear()

    def note(self) -> None:
        """Wake who waits for a change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self) -> None:
        """Wait until something has changed."""
        await self._changed.wait()

    async def kill(self, function: str, pid: int | None) -> int | None:
        """Kill the process of one environment of `function`, as a fault would; a busy one is preferred.

        Returns when it is dead, with its pid; None where there is no such environment.

        Args:
            pid: of its process; None: of any.
        """
        found = [
            one
            for one in self
            if one.function.name == function and one.pid is not None and pid in (None, one.pid)
        ]
        if not found:
            return None
        victim = next((one for one in found if one.status is Status.BUSY), found[0])
        victim.signal_kill()
        await victim.exited.wait()
        while victim.status is not Status.DEAD:
            await self.change()
        return victim.pid
