"""The stamp in a notebook that says which code its outputs come from. Pure."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

KEY = "streamer"
"""Where the stamp lies in the notebook's metadata: `{"streamer": {"outputs_of": <hash>}}`."""

Notebook = dict[str, Any]
"""A notebook of format 4, as its JSON has it."""


def code_cells(notebook: Notebook) -> Iterator[dict[str, Any]]:
    """Iterate over the code cells, in their order."""
    return (cell for cell in notebook["cells"] if cell["cell_type"] == "code")


def code_hash(notebook: Notebook) -> str:
    """Return a hash of what the code cells say; text around them, ids and outputs don't count."""
    sources = ["".join(cell["source"]) for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(sources, ensure_ascii=False).encode()).hexdigest()


def stamp(notebook: Notebook) -> None:
    """Note that the outputs are those of the code that is there now."""
    notebook["metadata"][KEY] = {"outputs_of": code_hash(notebook)}


def is_current(notebook: Notebook) -> bool:
    """Whether the code is still the one that the outputs come from."""
    stamped: str | None = notebook["metadata"].get(KEY, {}).get("outputs_of")
    return stamped == code_hash(notebook)
