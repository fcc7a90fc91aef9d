"""Times as AWS's JSON writes them."""

import time

import pytest

from emulator.clock import LATEST_S, SandboxClock, timestamp


@pytest.mark.parametrize(
    ("epoch_s", "written"),
    [
        (1705751697.419, "2024-01-20T11:54:57.419Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500Z"),
        (1_700_000_000, "2023-11-14T22:13:20.000Z"),
        (1_699_999_999.9999998, "2023-11-14T22:13:20.000Z"),
    ],
    ids=["milliseconds", "half a second", "a whole second", "a hair before the second"],
)
def test_times_are_iso_8601_with_milliseconds(epoch_s: float, written: str) -> None:
    """UTC is written Z, and second and milliseconds are of the same moment."""
    assert timestamp(epoch_s) == written


def test_times_can_be_cut_after_the_second() -> None:
    """So scheduled events and on-failure messages have them."""
    assert timestamp(1705751697.919, timespec="seconds") == "2024-01-20T11:54:57Z"


def test_an_advanced_clock_is_ahead_and_goes_on():
    """Both senses move by what was asked for, listeners are told, and time never goes back."""
    clock, told = SandboxClock(), []
    clock.listen(lambda: told.append(clock.offset_s))
    wall, steady = clock.now(), clock.monotonic()
    clock.advance(600)
    assert clock.now() - wall >= 600
    assert clock.monotonic() - steady >= 600
    assert clock.now() - time.time() == pytest.approx(600, abs=1)
    assert told == [600]
    for wrong in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="advanced"):
            clock.advance(wrong)


def test_a_clock_stays_below_what_64_bits_count() -> None:
    """One advance too far, or several together, is refused and moves nothing; what is short of it is not."""
    clock, told = SandboxClock(), []
    clock.listen(lambda: told.append(clock.offset_s))
    for wrong in (99_999_999_999 * 86_400.0, 10**400):
        with pytest.raises(ValueError, match="before the year 2250"):
            clock.advance(wrong)
    assert (clock.offset_s, told) == (0.0, [])
    clock.advance(LATEST_S - clock.now() - 3_600)
    with pytest.raises(ValueError, match="it is 2249-12-31T23:"):
        clock.advance(3_600)
    assert timestamp(clock.now()).startswith("2249-12-31T23:")
