"""Environments made by the real venv and installers, from locks that need no network."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.virtual_environment import STAMP, EnvironmentFailed, make

pytestmark = pytest.mark.slow

MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from emulator.virtual_environment import make
make(Path(sys.argv[1]), Path(sys.argv[2]), report=print, bootstrap_lock=None)
"""
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text("# nothing\n")
    return path


def _make(folder: Path, lock: Path) -> list[str]:
    said: list[str] = []
    python = make(folder, lock, report=said.append, bootstrap_lock=None)
    assert python.exists()
    return said


def test_it_is_made_once_and_again_when_it_must_be(tmp_path: Path, lock: Path) -> None:
    """A second call does nothing; a changed lock or an interrupted call starts from nothing."""
    folder = tmp_path / "made"
    assert "is made" in _make(folder, lock)[-1]
    left_over = folder / "left-over"
    left_over.touch()
    assert _make(folder, lock) == []
    assert left_over.exists()
    (folder / STAMP).unlink()
    assert _make(folder, lock) != []
    assert not left_over.exists()
    lock.write_text("# nothing else\n")
    assert _make(folder, lock) != []


def test_concurrent_calls_make_it_once(tmp_path: Path, lock: Path) -> None:
    """Of two processes one makes it, the other waits; both find it made."""
    folder = tmp_path / "made"
    command = [sys.executable, "-c", MAKE, str(folder), str(lock), str(CHECKOUT)]
    with ThreadPoolExecutor(2) as pool:
        runs = list(
            pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(2))
        )
    assert sum("is made" in run.stdout for run in runs) == 1
    assert (folder / STAMP).exists()


def test_a_failure_says_what_failed_and_what_to_do(tmp_path: Path, lock: Path) -> None:
    """The end of the installer's output and advice; the next call starts again."""
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    lock.write_text(f"thing @ file://{wheel} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(EnvironmentFailed, match="installing the packages of made") as caught:
        _make(tmp_path / "made", lock)
    assert "the lock again" in str(caught.value)
    assert not (tmp_path / "made" / STAMP).exists()


def test_a_missing_lock_is_named(tmp_path: Path) -> None:
    """Nothing is made for a lock that cannot be read."""
    with pytest.raises(EnvironmentFailed, match=r"missing\.lock cannot be read"):
        _make(tmp_path / "made", tmp_path / "missing.lock")


def test_pip_takes_over_where_the_quick_installer_cannot_be_had(tmp_path: Path, lock: Path) -> None:
    """A bootstrap lock that leads nowhere is reported and does no harm."""
    bootstrap = tmp_path / "bootstrap.lock"
    bootstrap.write_text(f"uv @ file://{tmp_path}/missing.whl --hash=sha256:{'0' * 64}\n")
    said: list[str] = []
    assert make(tmp_path / "made", lock, report=said.append, bootstrap_lock=bootstrap).exists()
    assert any("pip is used" in sentence for sentence in said)
