"""The notebooks as they are committed: executed, current, indexed, and with nothing of a machine in them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.notebooks.execution import FOLDER, paths, read
from scripts.notebooks.stamp import code_cells, is_current

MAX_LINES = 15

SECTIONS = ("**What you'll do**", "**What you'll learn**", "**What you'll need**", "## In practice")

TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")

OF_A_MACHINE = re.compile(r"/home/\w|/Users/\w|/root/|/tmp/|/private/var/|ipykernel_\d| at 0x[0-9a-f]{6}")

every_notebook = pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)


def outputs(notebook: Any) -> str:
    """Return everything that the cells show, as one text."""
    return json.dumps([cell["outputs"] for cell in code_cells(notebook)], ensure_ascii=False)


def test_there_are_five() -> None:
    """The walk has its five parts, in this order."""
    names = [path.stem for path in paths()]
    assert names == ["01_connect", "02_sync", "03_async", "04_progress", "05_completion"]


def test_the_index_has_every_notebook_and_no_other() -> None:
    """Who opens the folder finds every notebook by its index, in their order."""
    linked = re.findall(r"\]\(([^)]+\.ipynb)\)", (FOLDER / "README.md").read_text())
    assert linked == [path.name for path in paths()]
    assert set(linked) == {
        path.name for path in FOLDER.rglob("*.ipynb") if ".ipynb_checkpoints" not in str(path)
    }


@every_notebook
def test_the_outputs_are_those_of_the_code(path: Path) -> None:
    """A change of a code cell asks for a new run; `python -m scripts.notebooks` makes it."""
    assert is_current(read(path)), "Run `python -m scripts.notebooks`."


@every_notebook
def test_it_was_run_from_the_top(path: Path) -> None:
    """The cells were executed one after the other in a clean kernel."""
    counts = [cell["execution_count"] for cell in code_cells(read(path))]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_no_output_is_an_error(path: Path) -> None:
    """A reader sees the notebook succeed."""
    kinds = {output["output_type"] for cell in code_cells(read(path)) for output in cell["outputs"]}
    assert kinds <= {"display_data", "execute_result", "stream"}
    assert '"stderr"' not in outputs(read(path))


@every_notebook
def test_cells_are_short(path: Path) -> None:
    """A cell fits on a screen together with what it shows."""
    lengths = [len(cell["source"].splitlines()) for cell in code_cells(read(path))]
    assert max(lengths) <= MAX_LINES


@every_notebook
def test_it_has_the_common_parts(path: Path) -> None:
    """Every notebook says what it is about and for whom, and what is different in practice."""
    notebook = read(path)
    texts = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    places = [next(i for i, text in enumerate(texts) if section in text) for section in SECTIONS]
    assert texts[0].startswith("# ")
    assert places == [0, 0, 0, len(texts) - 1]


@every_notebook
def test_it_stops_what_it_started(path: Path) -> None:
    """The last thing that a notebook does is to stop the sandbox."""
    *_, last = code_cells(read(path))
    assert "await sandbox.stop()" in last["source"]


@every_notebook
def test_no_token_is_shown(path: Path) -> None:
    """Tokens are shortened wherever they are shown."""
    assert TOKEN.search(outputs(read(path))) is None


@every_notebook
def test_nothing_of_a_machine_is_shown(path: Path) -> None:
    """No folder, no temporary file and no address in memory of whoever ran it is committed."""
    text = outputs(read(path))
    assert OF_A_MACHINE.search(text) is None
    assert str(FOLDER.parent) not in text


@every_notebook
def test_links_lead_somewhere(path: Path) -> None:
    """What a notebook links to in this repository is there."""
    texts = "\n".join(cell["source"] for cell in read(path)["cells"] if cell["cell_type"] == "markdown")
    targets = re.findall(r"\]\(([^):]+)\)", texts)
    assert [target for target in targets if not (FOLDER / target).exists()] == []
