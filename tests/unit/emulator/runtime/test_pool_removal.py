"""An idle environment of an older configuration leaves the pool."""

from emulator.runtime.pool import Pool


def test_an_idle_environment_gives_its_place_back() -> None:
    """It takes no call any more, and its place serves a call that waits at the limit."""
    started: list[str] = []
    ran: list[tuple[str, str]] = []
    pool: Pool[str, str] = Pool(
        start=started.append,
        run=lambda environment, call: ran.append((environment, call)),
        evict=lambda environment: None,
        max_live=1,
        max_live_per_function=1,
        max_starting=1,
    )
    pool.submit("f", "call 1")
    pool.came("f", "environment 1", started=True)
    assert not pool.remove_idle("environment 1")
    pool.finishing("f")
    pool.submit("f", "call 2")
    pool.came("f", "environment 1", started=False)
    pool.finishing("f")
    pool.came("f", "environment 1", started=False)
    assert pool.remove_idle("environment 1")
    assert pool.live == 0
    pool.submit("f", "call 3")
    pool.came("f", "environment 2", started=True)
    assert started == ["f", "f"]
    assert ran == [("environment 1", "call 1"), ("environment 1", "call 2"), ("environment 2", "call 3")]
