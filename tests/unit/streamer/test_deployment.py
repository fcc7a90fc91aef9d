"""The file that says where an application runs."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from streamer.deployment import Deployment, default_path
from streamer.errors import InvalidDeployment

DEPLOYMENT = Deployment(
    name="sandbox",
    websocket_url="ws://127.0.0.1:4510/local",
    management_url="http://127.0.0.1:4510/local",
    region="us-east-1",
    connections_table="connections",
    requests_table="requests",
    subscriptions_table="subscriptions",
    counters_table="counters",
    records_table="records",
    bucket="streamer",
    jwt_keys_secret="streamer/jwt-keys",
    aws_endpoint_url="http://127.0.0.1:4566",
    ca_bundle="/tmp/ca.pem",
    development_key_secret="streamer/development-key",
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """The file says all that the deployment does, and folders on the way to it are made."""
    path = DEPLOYMENT.save(tmp_path / "new" / "folder" / "deployment.json")
    assert Deployment.load(path) == DEPLOYMENT


def test_optional_fields_may_be_absent(tmp_path: Path) -> None:
    """A deployment on AWS itself has no endpoint, no bundle and no development key."""
    bare = replace(DEPLOYMENT, aws_endpoint_url=None, ca_bundle=None, development_key_secret=None)
    assert Deployment.load(bare.save(tmp_path / "d.json")) == bare


def test_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else on the machine reads the file, nor lists the folder that is made for it."""
    path = DEPLOYMENT.save(tmp_path / "state" / "d.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_failed_write_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is replaced whole or not at all."""
    path = DEPLOYMENT.save(tmp_path / "d.json")

    def fail(self: Path, target: Path) -> None:
        raise OSError("full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        replace(DEPLOYMENT, name="other").save(path)
    assert [each.name for each in tmp_path.iterdir()] == ["d.json"]
    assert Deployment.load(path) == DEPLOYMENT


def test_absent_file_says_how_to_start_one(tmp_path: Path) -> None:
    """Without a deployment, the error names both ways to get one, and the file that was named in vain."""
    with pytest.raises(InvalidDeployment) as caught:
        Deployment.load(tmp_path / "none.json")
    assert str(caught.value) == (
        'No running deployment: start one with "python -m emulator up", or name one with --deployment FILE;'
        f" there is no file {tmp_path / 'none.json'}."
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": 1}', "\x00"])
def test_other_file_is_refused(tmp_path: Path, text: str) -> None:
    """A file that describes no deployment is told by its path, with what to do.

    It may be any file that was named by mistake, and is nothing to be deleted.
    """
    path = tmp_path / "d.json"
    path.write_text(text)
    with pytest.raises(InvalidDeployment, match="does not describe a deployment") as caught:
        Deployment.load(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(
        'name another with --deployment FILE, or start one anew with "python -m emulator up".'
    )


def test_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    """What cannot be read is told with the system's reason."""
    with pytest.raises(InvalidDeployment, match="cannot be read"):
        Deployment.load(tmp_path)


def test_fields_of_a_later_version_are_left_out(tmp_path: Path) -> None:
    """An older command understands a newer file."""
    path = DEPLOYMENT.save(tmp_path / "d.json")
    path.write_text(path.read_text().replace("{", '{"later": 1,', 1))
    assert Deployment.load(path) == DEPLOYMENT


def test_own_file_is_withdrawn_and_anothers_is_not(tmp_path: Path) -> None:
    """Who stops an application removes its own file only."""
    path = DEPLOYMENT.save(tmp_path / "d.json")
    assert not replace(DEPLOYMENT, name="other").withdraw(path)
    assert path.exists()
    assert DEPLOYMENT.withdraw(path)
    assert not path.exists()
    assert not DEPLOYMENT.withdraw(path)


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"STREAMER_DEPLOYMENT": "/x/d.json", "HOME": "/home/a"}, "/x/d.json"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/state/streamer/deployment.json"),
        ({"XDG_STATE_HOME": "state", "HOME": "/home/a"}, "/home/a/.local/state/streamer/deployment.json"),
        ({"HOME": "/home/a"}, "/home/a/.local/state/streamer/deployment.json"),
        ({"STREAMER_DEPLOYMENT": "", "HOME": "/home/a"}, "/home/a/.local/state/streamer/deployment.json"),
    ],
    ids=["variable", "xdg", "relative xdg", "home", "empty variable"],
)
def test_default_path_is_the_variables_or_the_users_state(environment: dict[str, str], path: str) -> None:
    """The variable wins; else it is the folder for state of the user."""
    assert default_path(environment) == Path(path)
