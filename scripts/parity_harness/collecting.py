"""A pytest plugin: writes the marks `row` and `gap` of what was collected to a file, as JSON.

pytest --collect-only -p scripts.parity_harness.collecting --parity-marks FILE
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from scripts.parity_harness.table import ROOT, Mark, marks_in

FOLDERS = ("tests/parity", "tests/contract", "tests/unit/emulator")
"""Where tests may name rows."""


class CollectionFailed(Exception):
    """The tests cannot be collected; `str()` is what pytest said."""


def collect() -> list[Mark]:
    """Read the marks of every test, by a pytest of its own; nothing is run.

    Raises:
        CollectionFailed: a test file cannot be imported, or a mark is malformed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marks.json"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
        command += ["-p", "scripts.parity_harness.collecting", f"--parity-marks={file}", *FOLDERS]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, env=surroundings("streamer")
        )
        if done.returncode != 0:
            raise CollectionFailed(f"The tests cannot be collected:\n{done.stdout}\n{done.stderr}")
        return [mark for test in json.loads(file.read_text()) for mark in marks_in(test)]


def surroundings(target: str) -> dict[str, str]:
    """Return the environment of a pytest that is pointed at a target."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PARITY_TARGET": target, "PYTHONPATH": path}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--parity-marks FILE`."""
    parser.addoption("--parity-marks", type=Path, help="write the parity marks to this file")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write them."""
    tests = []
    for item in session.items:
        if marks := marks_of(item):
            path = item.path.relative_to(session.config.rootpath).as_posix()
            test = getattr(item, "originalname", item.name)
            tests.append({"path": path, "test": test, "marks": marks})
    session.config.getoption("--parity-marks").write_text(json.dumps(tests, indent=1))


def marks_of(item: pytest.Item) -> list[dict[str, Any]]:
    """Return a test's marks: the rows that each names, its `gap` and `switch`.

    Raises:
        pytest.UsageError: a mark is not of the form that `tests/parity/README.md` shows.
    """
    return [_of("row", mark, item) for mark in item.iter_markers("row")] + [
        _of("gap", mark, item) for mark in item.iter_markers("gap")
    ]


def _of(kind: str, mark: pytest.Mark, item: pytest.Item) -> dict[str, Any]:
    allowed = {"row": {"switch"}, "gap": {"reason"}}[kind]
    is_text = all(isinstance(name, str) and name for name in (*mark.args, *mark.kwargs.values()))
    if not mark.args or not is_text or not mark.kwargs.keys() <= allowed:
        raise pytest.UsageError(
            f'{item.nodeid}: write @pytest.mark.row("A1", …) with switch="…" if any, or'
            ' @pytest.mark.gap("A1", …, reason="…").'
        )
    if kind == "gap" and "reason" not in mark.kwargs:
        raise pytest.UsageError(f'{item.nodeid}: a gap needs its reason="…".')
    return {
        "rows": list(mark.args),
        "gap": mark.kwargs.get("reason") if kind == "gap" else None,
        "switch": mark.kwargs.get("switch"),
    }
