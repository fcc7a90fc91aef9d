"""Runs notebooks from the top in a clean kernel, and writes what they showed.

Jupyter's packages are imported where they are used: that takes seconds, and every test run asks for paths.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.notebooks.stamp import stamp

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
"""Where the notebooks lie, and what their kernels work in."""

CELL_TIMEOUT_S = 60
"""Seconds that one cell may take. The slowest takes about five on two cores."""

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
"""The kernel of whichever environment runs this; nothing of this machine."""


def paths() -> list[Path]:
    """Return the notebooks, in the order in which they are read."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> Any:
    """Return the notebook in a file. Raises nbformat.ValidationError."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


def execute(path: Path, *, before_cell: Callable[[int], None] | None = None) -> tuple[Any, float]:
    """Run a notebook to its end; returns it with its new outputs, and the seconds that it took.

    The file is not touched.

    Args:
        before_cell: called before each cell with the kernel's process id.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised; the kernel is shut down all the same.
    """
    from nbclient import NotebookClient

    notebook = read(path)
    began = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
    )
    if before_cell is not None:
        manager: Any = client  # the kernel it has once it runs
        client.on_cell_start = lambda **_: before_cell(manager.km.provisioner.pid)
    client.execute()
    return notebook, time.monotonic() - began


def renew(path: Path) -> float:
    """Run a notebook and write it back with its outputs and their stamp; returns the seconds."""
    import nbformat

    notebook, took_s = execute(path)
    notebook["metadata"] = {
        "kernelspec": dict(KERNEL),
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    }
    stamp(notebook)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    return took_s
