"""Where LocalStack's environment lives."""

import sys
from pathlib import Path

import pytest

from emulator.localstack.environment import LOCK, PROVIDER, home


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "emulator").mkdir()
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def test_the_variable_decides(checkout: Path, tmp_path: Path) -> None:
    """`STREAMER_EMULATOR_HOME` comes before everything."""
    assert home({"STREAMER_EMULATOR_HOME": str(tmp_path / "h")}, checkout / "emulator") == tmp_path / "h"


def test_a_checkout_keeps_it_beside_the_package(checkout: Path) -> None:
    """A package with a pyproject.toml beside it is a checkout."""
    assert home({}, checkout / "emulator") == checkout / ".emulator"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has its own folder for caches")
def test_an_installed_package_uses_the_users_cache(tmp_path: Path) -> None:
    """The XDG folder, where it is named by an absolute path."""
    package = tmp_path / "site-packages" / "emulator"
    assert home({"XDG_CACHE_HOME": "/x"}, package) == Path("/x/streamer-emulator")
    assert home({"XDG_CACHE_HOME": "x"}, package) == Path.home() / ".cache" / "streamer-emulator"


def test_what_the_environment_needs_is_in_the_package() -> None:
    """The lock with hashes, our package, and the entry points by which LocalStack finds it."""
    assert "--hash=sha256:" in LOCK.read_text()
    assert (PROVIDER / "streamer_localstack" / "__main__.py").is_file()
    assert (
        "streamer_localstack.plugins:dynamodb"
        in (PROVIDER / "streamer_localstack.dist-info" / "entry_points.txt").read_text()
    )
