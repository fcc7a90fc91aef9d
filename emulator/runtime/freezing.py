"""No work between invocations: a process group is stopped and goes on (row E31).

AWS stops the whole machine of an environment; here its process group is stopped, with the children that
the handler started and left in it. A child that left the group (`start_new_session`) goes on. A process
that waits in `epoll_wait` can see EINTR when it goes on; Python repeats the call.
"""

import contextlib
import os
import signal

FREEZE_AFTER_S = 0.002
"""How long an environment is idle before it is stopped: calls that follow each other at once are spared the
stopping and going on. Ours; AWS does not say how soon it stops one."""


def freeze(group: int) -> None:
    """Stop every process of a group; nothing happens where it is gone."""
    _send(group, signal.SIGSTOP)


def thaw(group: int) -> None:
    """Let a stopped group go on."""
    _send(group, signal.SIGCONT)


def _send(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
