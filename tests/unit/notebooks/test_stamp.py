"""The stamp that ties outputs to code."""

from typing import Any

from scripts.notebooks.stamp import code_hash, is_current, stamp


def notebook(*sources: str, text: str = "Words.") -> dict[str, Any]:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "source": text}]
    cells += [{"cell_type": "code", "source": source, "outputs": [], "id": "a"} for source in sources]
    return {"cells": cells, "metadata": {}}


def test_a_stamped_notebook_is_current() -> None:
    """What was stamped and not changed is current."""
    stamped = notebook("1 + 1")
    stamp(stamped)
    assert is_current(stamped)


def test_a_notebook_without_a_stamp_is_not_current() -> None:
    """Nothing is known of a notebook that was never stamped."""
    assert not is_current(notebook("1 + 1"))


def test_changed_code_is_not_current() -> None:
    """A changed, an added and a moved code cell each ask for a new run."""
    hashes = [
        code_hash(notebook(*sources)) for sources in (["a", "b"], ["a", "c"], ["a"], ["b", "a"], ["ab"])
    ]
    assert len(set(hashes)) == len(hashes)


def test_only_code_counts() -> None:
    """The text around the code, outputs and ids may change without a new run."""
    changed = notebook("a", text="Other words.")
    changed["cells"][1] |= {"outputs": [{"output_type": "stream"}], "id": "b"}
    assert code_hash(changed) == code_hash(notebook("a"))


def test_a_source_may_be_a_list_of_lines() -> None:
    """The format allows both forms, and they are the same code."""
    lines = notebook("a\nb")
    lines["cells"][1]["source"] = ["a\n", "b"]
    assert code_hash(lines) == code_hash(notebook("a\nb"))
