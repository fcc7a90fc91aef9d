"""What the outputs of a notebook show in every run of it alike. Pure."""

import re
from typing import Any

from scripts.notebooks.stamp import Notebook, code_cells

_OF_A_RUN = re.compile(r"\S*[0-9=…]\S*")
"""Words with a figure, with base64's end, or with what was cut: numbers, times, ports, ids, tokens."""


def shown_alike(notebook: Notebook) -> list[str]:
    """Return what each code cell prints and gives back, without what differs from run to run.

    A picture, and what has a drawing of its own (HTML: timelines, tables, events), is left out: how many
    rows it has, and in which order, is of its run. What the text says of those a cell asserts.
    """
    return [
        _OF_A_RUN.sub("#", " ".join(" ".join(map(_text, cell["outputs"])).split()))
        for cell in code_cells(notebook)
    ]


def _text(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    shown: dict[str, Any] = output.get("data", {})
    return "".join(shown["text/plain"]) if shown.keys() == {"text/plain"} else ""
