"""A text that is too long ends with an ellipsis, which counts."""

import pytest

from streamer.texts import cut


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("abc", "abc"), ("abcd", "ab…")], ids=repr)
def test_a_text_is_cut_to_three(text: str, shown: str) -> None:
    """What fits stays as it is."""
    assert cut(text, 3) == shown
