import pytest

from emulator.events.pacing import Polling, poll_pause_s


@pytest.mark.parametrize(("idle_s", "pause_s"), [(0, 0), (0.1, 0.02), (2, 0.1), (5, 0.25), (3600, 0.25)])
@pytest.mark.row("F40", switch="EventSettings.polling")
def test_adaptive_polling_slows_down(idle_s, pause_s):
    """Polls follow each other closely after activity and come four times a second when nothing happens."""
    assert poll_pause_s(Polling.ADAPTIVE, idle_s=idle_s) == pytest.approx(pause_s)


@pytest.mark.parametrize("idle_s", [0, 100])
def test_aws_polls_four_times_a_second(idle_s):
    """Lambda's rate does not depend on what comes."""
    assert poll_pause_s(Polling.AWS, idle_s=idle_s) == 0.25
