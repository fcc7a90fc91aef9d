"""The state file, and the folders of runs."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from emulator import state as states
from emulator.errors import SandboxNotRunning, StartFailed
from emulator.state import Addresses, State

STATE = State(
    pid=os.getpid(),
    addresses=Addresses("ws", "http", "https", "aws", "lambda", "control", "bundle"),
    secret="the-secret",
    backend={"name": "LocalStack"},
    run_folder="/tmp/run",
    started_in_s={"ready": 1.0},
)
NO_SUCH_PID = 2**22 + 1


def test_what_is_saved_is_found(tmp_path: Path) -> None:
    """A running sandbox is found by its file, which only its owner can read."""
    path = tmp_path / "deeper" / "sandbox.json"
    states.save(STATE, path)
    assert states.get(path) == STATE
    assert path.stat().st_mode & 0o077 == 0


def test_a_dead_sandbox_does_not_run(tmp_path: Path) -> None:
    """A file whose process is gone counts as none."""
    path = tmp_path / "sandbox.json"
    states.save(replace(STATE, pid=NO_SUCH_PID), path)
    assert states.find(path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'], ids=["empty", "cut", "list", "lacking"])
def test_a_broken_file_counts_as_none(tmp_path: Path, text: str) -> None:
    """Whatever lies there, the commands say what to do instead of failing."""
    path = tmp_path / "sandbox.json"
    path.write_text(text)
    with pytest.raises(SandboxNotRunning, match="python -m emulator up"):
        states.get(path)


def test_another_sandboxes_file_stays(tmp_path: Path) -> None:
    """The first of two sandboxes does not take the second one's file along when it ends."""
    path = tmp_path / "sandbox.json"
    states.save(STATE, path)
    states.remove(path, pid=NO_SUCH_PID)
    assert path.exists()
    states.remove(path, pid=STATE.pid)
    assert not path.exists()


def test_the_secret_is_not_shown() -> None:
    """A state in a log or a notebook does not tell the secret."""
    assert "the-secret" not in repr(STATE)


def test_run_folders_of_the_dead_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed emulator's folder goes with the next start; a live one's stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = states.make_run_folder(NO_SUCH_PID)
    mine = states.make_run_folder(os.getpid())
    assert mine.exists()
    assert not dead.exists()
    assert mine.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("variable", "value", "ends_in"),
    [
        ("STREAMER_SANDBOX_STATE", "~/mine.json", "/mine.json"),
        ("XDG_STATE_HOME", "/state", "/state/streamer/sandbox.json"),
        ("XDG_STATE_HOME", "relative", "/.local/state/streamer/sandbox.json"),
        ("XDG_STATE_HOME", "", "/.local/state/streamer/sandbox.json"),
    ],
    ids=["named", "XDG", "relative", "empty"],
)
def test_where_the_state_file_is(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, ends_in: str
) -> None:
    """The path is absolute whatever the environment says, so that every command finds the same file."""
    monkeypatch.delenv("STREAMER_SANDBOX_STATE", raising=False)
    monkeypatch.setenv(variable, value)
    path = states.state_path()
    assert path.is_absolute()
    assert str(path).endswith(ends_in)


def test_a_run_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the way is named, and what to do about it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    in_the_way = tmp_path / f"streamer-sandbox-{os.getuid()}"
    in_the_way.touch()
    with pytest.raises(StartFailed, match=r"TMPDIR") as raised:
        states.make_run_folder(os.getpid())
    assert str(in_the_way) in str(raised.value)


def test_a_run_folder_behind_a_link_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write to the folder for temporary files does not choose where our files go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"streamer-sandbox-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartFailed, match=r"TMPDIR"):
        states.make_run_folder(os.getpid())


def test_a_state_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The sentence names the file and the variable that names another."""
    (tmp_path / "file").touch()
    with pytest.raises(StartFailed, match="STREAMER_SANDBOX_STATE") as raised:
        states.save(STATE, tmp_path / "file" / "sandbox.json")
    assert str(tmp_path / "file" / "sandbox.json") in str(raised.value)
