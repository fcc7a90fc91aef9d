import asyncio
import json
from pathlib import Path

import pytest

from emulator.events.checkpoints import Checkpoints, Place, checkpoint_path

PLACE = Place("f", "arn:t/1", "shard-1")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "checkpoints.json"


async def test_survives_a_restart(path):
    """What was written is there for the next run, and the file is its owner's only."""
    checkpoints = Checkpoints(path)
    checkpoints.set(PLACE, "12")
    checkpoints.set_since(PLACE, 5.5)
    checkpoints.flush()
    again = Checkpoints(path)
    assert (again.find(PLACE), again.find_since(PLACE)) == ("12", 5.5)
    assert again.knows("f", "arn:t/1")
    assert not again.knows("g", "arn:t/1")
    assert path.stat().st_mode & 0o077 == 0


async def test_changes_are_written_together(path, monkeypatch):
    """Many changes within a moment are one write, with the last of each."""
    written = []
    monkeypatch.setattr("emulator.events.checkpoints.write_private", lambda _, text: written.append(text))
    checkpoints = Checkpoints(path, write_after_s=0.01)
    for number in range(100):
        checkpoints.set(PLACE, str(number))
    async with asyncio.timeout(5):
        while not written:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    (text,) = written
    assert json.loads(text)["places"][0]["sequence_number"] == "99"
    checkpoints.flush()
    assert len(written) == 1


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 99, "places": []}', '{"version": 1, "places": [{"function": "f"}]}'],
    ids=["empty", "cut off", "another form", "another version", "a field is missing"],
)
async def test_a_file_that_cannot_be_read_counts_as_none(path, caplog, content):
    """The start goes on without checkpoints, and one line says so."""
    path.parent.mkdir()
    path.write_text(content)
    assert Checkpoints(path).find(PLACE) is None
    assert [one.levelname for one in caplog.records] == ["WARNING"]


async def test_a_file_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    """Where the folder is none, that is logged and checkpoints stay in memory."""
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file" / "checkpoints.json")
    checkpoints.set(PLACE, "1")
    checkpoints.flush()
    assert checkpoints.find(PLACE) == "1"
    assert "ERROR" in [one.levelname for one in caplog.records]


def test_without_a_file_nothing_is_written():
    """In memory it needs no event loop."""
    checkpoints = Checkpoints()
    checkpoints.set(PLACE, "1")
    checkpoints.flush()
    assert checkpoints.find(PLACE) == "1"


def test_moves_and_forgets_by_function_and_stream():
    """Only the places of that function in that stream are meant."""
    checkpoints = Checkpoints()
    other = PLACE._replace(stream_arn="arn:t/2")
    checkpoints.set(PLACE, "1")
    checkpoints.set(other, "2")
    checkpoints.move("f", "g", "arn:t/1")
    assert checkpoints.find(PLACE) is None
    assert checkpoints.find(PLACE._replace(function="g")) == "1"
    checkpoints.forget("f", "arn:t/2")
    assert checkpoints.find(other) is None


def test_the_file_is_one_applications_on_one_back_end():
    """Another application, or another back end, has another file in the same folder."""
    folder = Path("/state")
    paths = {
        checkpoint_path(folder, application=name, endpoint_url=url)
        for name in ("a", "b", "a/b")
        for url in ("http://127.0.0.1:1", "http://127.0.0.1:2")
    }
    assert len(paths) == 6
    assert {path.parent for path in paths} == {folder}
