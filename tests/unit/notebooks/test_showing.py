"""What an executed notebook is compared by with the committed one."""

from typing import Any

import pytest

from scripts.notebooks.showing import shown_alike


def notebook(*outputs: dict[str, Any]) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "source": "Words."}]
    return {"cells": [*cells, {"cell_type": "code", "source": "", "outputs": [*outputs]}]}


def printed(text: str) -> dict[str, Any]:
    return notebook({"output_type": "stream", "name": "stdout", "text": text})


def value(**kinds: str) -> dict[str, Any]:
    data = {kind.replace("_", "/"): text for kind, text in kinds.items()}
    return notebook({"output_type": "execute_result", "data": data, "metadata": {}})


@pytest.mark.parametrize(
    ("committed", "executed"),
    [
        ("12 rows in 3.4 ms", "12 rows in 56.7 ms"),
        ("connected to ws://127.0.0.1:46299/local", "connected to ws://127.0.0.1:35361/local"),
        ("id HkpVabDDgwoCulg= is open", "id QwErTyUiOpAsDfg= is open"),
        ("Bearer eyJhbGciOi…toto", "Bearer eyJhbGciOi…abcd"),
        ("a   b\n", "a b"),
    ],
    ids=["numbers", "ports", "ids", "tokens", "widths"],
)
def test_what_is_of_a_run_is_alike(committed: str, executed: str) -> None:
    """Numbers, addresses, ids and tokens differ from run to run, and columns are as wide as they are."""
    assert shown_alike(printed(committed)) == shown_alike(printed(executed))


def test_what_the_product_says_is_not_alike() -> None:
    """Another status, field, order or sentence is a difference."""
    texts = ["FAILED after 3 s", "COMPLETED after 3 s", "after 3 s", "after 3 s COMPLETED"]
    assert len({tuple(shown_alike(printed(text))) for text in texts}) == len(texts)
    assert shown_alike(value(text_plain="{'user': 'ada'}")) != shown_alike(
        value(text_plain="{'name': 'ada'}")
    )


def test_what_is_drawn_is_left_out() -> None:
    """A display or a picture is of its run."""
    assert shown_alike(value(text_plain="Timeline: some events", text_html="<p>")) == [""]
    assert shown_alike(value(text_plain="<Figure>", image_png="aGk=")) == [""]


def test_each_cell_counts_for_itself() -> None:
    """What moved from one cell to another is a difference."""
    first, second = printed("a"), printed("b")
    both = {"cells": [*first["cells"], *second["cells"]]}
    assert shown_alike(both) == ["a", "b"]
