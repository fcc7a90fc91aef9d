"""`echo` and `health` answer at once."""

import tomllib
from pathlib import Path

import streamer
from streamer.actions import echo, health
from streamer.actions.running import run
from streamer.testing import make_context


class At:
    """A clock that stands still."""

    def now(self) -> float:
        return 1_700_000_000.25


def test_echo_gives_back_what_it_got() -> None:
    """The whole payload comes back, with the time."""
    payload = {"message": "hi", "nested": {"list": [1, None, 2.5]}, "$link": "mine"}
    answer = echo(echo.parse(payload), make_context(clock=At()))
    assert answer == {"echo": payload, "action": "echo", "received_at": "2023-11-14T22:13:20.250Z"}


def test_health_tells_the_version() -> None:
    """The answer is small and the payload doesn't matter."""
    answer = run(health, health.parse({"any": "thing"}), make_context(clock=At()))
    assert answer == {
        "status": "healthy",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "version": streamer.__version__,
    }


def test_the_version_is_the_packages() -> None:
    """The version is written twice, because a function's package has no metadata, and never differs."""
    project = tomllib.loads((Path(streamer.__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["version"] == streamer.__version__
