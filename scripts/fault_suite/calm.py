"""The calm after a storm: the clock is moved on, and each time everything that is on its way may arrive."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence

from scripts.fault_suite.plan import SWEEP_S

QUIET_S = 5.0
"""Seconds in which nothing at all happens, after which nothing is on its way any more."""

MAX_ROUND_S = 120.0
"""Seconds after which a round ends, however much still happens."""

SETTLING: Sequence[float] = (0.0, *([SWEEP_S] * 6))
"""How the clock is moved: by sweeps, which find dead executors, retries and lost records, in turn."""

LOOK_S = 0.1
"""Seconds between two looks at what is left."""


async def wait_quietly(
    *,
    missing: Callable[[], int],
    unsettled: Callable[[], Awaitable[int]],
    is_unheard: Callable[[], bool],
    latest: Callable[[], Hashable],
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Wait until nothing is left to do, or nothing happens any more.

    Args:
        missing: how many outcomes consumers wait for.
        unsettled: how many stored requests are not over, or their delivery is not; asked only where no
            outcome is missing: a consumer may know one, because it asked again, before it is marked as
            delivered to all.
        is_unheard: whether a consumer sent what nobody has taken yet: it will try again.
        latest: what happened last.
    """
    ends = monotonic() + MAX_ROUND_S
    quiet_since, last = monotonic(), latest()
    while missing() or await unsettled():
        now = monotonic()
        if latest() != last or is_unheard():
            quiet_since, last = now, latest()
        if now >= ends or now - quiet_since >= QUIET_S:
            return
        await sleep(LOOK_S)
