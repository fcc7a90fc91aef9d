"""Sending until a destination takes it, and where a bucket has it."""

from typing import Any

import pytest

from emulator.application import Destination
from emulator.destinations import RESEND_DELAYS_S, object_key, send_patiently
from emulator.errors import BackendFailed

QUEUE = Destination.queue("q")


class Away:
    """A destination that refuses a number of times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.attempts = 0
        self.slept: list[float] = []
        self.unsent: list[dict[str, Any]] = []

    async def send(self, *_args: Any, **_options: Any) -> None:
        self.attempts += 1
        if self.attempts <= self.times:
            raise BackendFailed("It takes nothing.")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def send_something(self) -> None:
        await send_patiently(
            self, QUEUE, "body", sleep=self.sleep, unsent=lambda **facts: self.unsent.append(facts)
        )


@pytest.mark.parametrize("times", range(len(RESEND_DELAYS_S) + 1))
async def test_destination_that_comes_back(times: int) -> None:
    """A message is sent once, after as many waits as it takes, each of which is told."""
    away = Away(times)
    await away.send_something()
    assert (away.attempts, away.slept) == (times + 1, list(RESEND_DELAYS_S[:times]))
    assert [facts["attempt"] for facts in away.unsent] == [*range(1, times + 1)]


async def test_destination_that_stays_away() -> None:
    """After the last attempt the failure is the caller's."""
    away = Away(times=100)
    with pytest.raises(BackendFailed):
        await away.send_something()
    assert away.attempts == len(RESEND_DELAYS_S) + 1


def test_key_in_a_bucket() -> None:
    """It has the folder, the day, the second in UTC and something unique."""
    key = object_key("a/b", at=1_700_000_000.9, unique="u")
    assert key == "aws/lambda/a/b/2023/11/14/2023-11-14T22.13.20-u"
