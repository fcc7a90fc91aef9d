"""No work between invocations: a process group is stopped and goes on (row E31).

AWS stops the whole machine of an environment; here its process group is stopped, and what left the group
(`start_new_session`) one by one, where the system tells of descendants (Linux). A process that waits in
`epoll_wait` can see EINTR when it goes on; Python repeats the call.
"""

import asyncio
import contextlib
import os
import signal

from emulator.runtime.memory import family

FREEZE_AFTER_S = 0.002
"""How long an environment is idle before it is stopped: calls that follow each other at once are spared the
stopping and going on. Ours; AWS does not say how soon it stops one."""


class Freezer:
    """Stops an environment's processes while it is idle."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._frozen: int | None = None
        self._strays: list[int] = []

    def begin(self, group: int) -> None:
        """Stop the group soon, unless `cancel` comes before."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(FREEZE_AFTER_S, self._freeze, group)

    def cancel(self) -> None:
        """Stop nothing: the environment is not idle any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def thaw(self) -> None:
        """Let the group go on, if it was stopped."""
        if self._frozen is not None:
            group, self._frozen = self._frozen, None
            _send(group, signal.SIGCONT)
            for pid in self._strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGCONT)

    def _freeze(self, group: int) -> None:
        _send(group, signal.SIGSTOP)
        self._frozen = group
        self._strays = _stop_strays(group)


def _send(group: int, number: signal.Signals) -> None:
    """Send to every process of a group; nothing happens where it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _stop_strays(group: int) -> list[int]:
    """Stop descendants of an environment's process that left its group; return those that were stopped."""
    stopped = []
    for pid in family(group)[1:]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != group:
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
    return stopped
