"""When the calm after a storm is over."""

from collections.abc import Sequence

from scripts.fault_suite.calm import LOOK_S, MAX_ROUND_S, QUIET_S, wait_quietly


class Scene:
    """What is left at each look, by a clock that goes on only while something waits."""

    def __init__(self, *, missing: Sequence[int] = (0,), unsettled: Sequence[int] = (0,)) -> None:
        self.now = 0.0
        self.is_busy = False
        self.is_unheard = False
        self._missing, self._unsettled = missing, unsettled

    async def wait(self) -> float:
        await wait_quietly(
            missing=lambda: self._at(self._missing),
            unsettled=self._count,
            is_unheard=lambda: self.is_unheard,
            latest=lambda: self.now if self.is_busy else 0.0,
            monotonic=lambda: self.now,
            sleep=self._sleep,
        )
        return self.now

    async def _count(self) -> int:
        return self._at(self._unsettled)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _at(self, counts: Sequence[int]) -> int:
        return counts[min(round(self.now / LOOK_S), len(counts) - 1)]


async def test_over_at_once_where_nothing_is_left() -> None:
    assert await Scene().wait() == 0


async def test_what_consumers_wait_for_is_waited_for() -> None:
    assert round(await Scene(missing=[2, 1, 0]).wait() / LOOK_S) == 2


async def test_a_delivery_that_is_under_way_is_waited_for_although_consumers_have_it() -> None:
    assert round(await Scene(missing=[1, 0], unsettled=[1, 1, 1, 0]).wait() / LOOK_S) == 3


async def test_what_only_a_sweep_can_help_is_left_when_it_is_quiet() -> None:
    assert QUIET_S <= await Scene(unsettled=[1]).wait() < QUIET_S + 2 * LOOK_S


async def test_a_round_ends_however_much_happens() -> None:
    busy = Scene(missing=[1])
    busy.is_busy = True
    assert MAX_ROUND_S <= await busy.wait() < MAX_ROUND_S + 2 * LOOK_S


async def test_what_nobody_has_taken_is_sent_again_so_it_is_not_quiet() -> None:
    unheard = Scene(missing=[1])
    unheard.is_unheard = True
    assert await unheard.wait() >= MAX_ROUND_S
