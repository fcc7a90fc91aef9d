import pytest

from emulator.application import StartingPosition
from emulator.events.shards import drained_at_start, readable
from emulator.events.streams import Shard

FAMILY = [Shard("child", "parent"), Shard("parent", "trimmed"), Shard("other")]


@pytest.mark.parametrize(
    ("started", "finished", "expected"),
    [
        (set(), set(), ["parent", "other"]),
        ({"parent", "other"}, set(), []),
        ({"other"}, {"parent"}, ["child"]),
    ],
    ids=["a parent comes first", "a child waits", "a child follows"],
)
def test_parents_are_drained_before_their_children(started, finished, expected):
    """A shard is read when its parent is drained or not listed any more, and only once."""
    found = readable(FAMILY, started=started | finished, finished=finished)
    assert [shard.id for shard in found] == expected


def test_latest_leaves_out_shards_that_have_children():
    """A mapping that starts at the latest record need not wait for shards that are closed already."""
    assert drained_at_start(FAMILY, StartingPosition.LATEST) == {"parent", "trimmed"}
    assert drained_at_start(FAMILY, StartingPosition.TRIM_HORIZON) == set()
