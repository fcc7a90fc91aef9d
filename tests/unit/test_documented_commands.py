"""What the README tells people to run is there and can be imported."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(set(re.findall(r"python -m ([\w.]+)", (ROOT / "README.md").read_text())))
SCRIPTS = sorted(set(re.findall(r"python3 (scripts/\w+\.py)", (ROOT / "README.md").read_text())))


@pytest.mark.parametrize("name", [*MODULES, "scripts.demonstration"])
def test_a_module_that_is_to_be_run_imports_all_that_it_needs(name: str) -> None:
    """The README's `python -m` commands start, and so does what the demo hands over to."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)


@pytest.mark.parametrize("path", SCRIPTS)
def test_a_script_that_is_to_be_run_exists(path: str) -> None:
    """The README names no script that has gone."""
    assert (ROOT / path).is_file()
