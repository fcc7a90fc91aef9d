import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events.progress import Progress


def test_the_checkpoint_is_before_the_first_unfinished_record():
    """A record that is finished out of turn moves the checkpoint only when all before it are finished."""
    progress = Progress()
    for number in "123":
        progress.read(number, float(number))
    progress.finish("2")
    assert progress.advance() is None
    assert (progress.unfinished, progress.oldest_created_at) == (2, 1.0)
    progress.finish("1")
    assert progress.advance() == "2"
    assert (progress.unfinished, progress.oldest_created_at) == (1, 3.0)
    progress.finish("3")
    assert progress.advance() == "3"
    assert (progress.unfinished, progress.oldest_created_at) == (0, None)


@given(order=st.permutations(range(8)))
def test_whatever_the_order_the_checkpoint_skips_nothing(order):
    """After each record the checkpoint is the longest finished beginning of the shard."""
    progress = Progress()
    for number in range(8):
        progress.read(str(number), 0.0)
    reached = -1
    for place, number in enumerate(order):
        progress.finish(str(number))
        new = progress.advance()
        reached = int(new) if new is not None else reached
        finished = set(order[: place + 1])
        assert reached == next(n for n in range(9) if n not in finished) - 1
        assert progress.unfinished == 7 - place


@pytest.mark.parametrize("numbers", ["12", ""], ids=["finished", "nothing read"])
def test_without_change_there_is_no_new_checkpoint(numbers):
    """Asked again, there is nothing new."""
    progress = Progress()
    for number in numbers:
        progress.read(number, 0.0)
        progress.finish(number)
    progress.advance()
    assert progress.advance() is None
