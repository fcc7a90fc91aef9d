"""The table of rows is whole: every row has its test, its gap or its reason, and the README shows it."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import emulator
from scripts.parity_harness import table as tables
from scripts.parity_harness.collecting import collect
from scripts.parity_harness.table import ROOT, Mark, Table


@pytest.fixture(scope="module")
def marks() -> list[Mark]:
    """Every mark in the repository's tests, as a collection of its own finds them."""
    return collect()


@pytest.fixture(scope="module")
def table(marks: list[Mark]) -> Table:
    return tables.build(tables.read_rows(), marks, tables.read_outside())


def test_marks_fit_the_rows(table: Table) -> None:
    """No test names an unknown row, and no row is both tested and outside of what an emulator can do."""
    assert not table.problems, "\n".join(table.problems)


def test_every_row_has_a_verdict(table: Table) -> None:
    """Every row has a test that asserts it, a gap that is asserted, or a reason why it is outside."""
    assert not table.missing, f"{len(table.missing)} rows have none: {' '.join(table.missing)}"


def test_readme_shows_the_table(table: Table) -> None:
    """The table in the emulator's README is the one that the tests' marks make."""
    readme = (ROOT / "emulator" / "README.md").read_text()
    assert tables.put_into(readme, tables.markdown(table)) == readme, "run scripts/parity.py"


def test_switches_exist(marks: list[Mark]) -> None:
    """Each switch that a mark names is a field of a settings class of the emulator."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(emulator.__path__, "emulator.")
        if found.name.endswith(".settings")
    ]
    for switch in sorted({mark.switch for mark in marks if mark.switch is not None}):
        owner, _, field = switch.partition(".")
        classes = [getattr(module, owner) for module in modules if hasattr(module, owner)]
        assert classes, f"{switch}: no class {owner} in the emulator's settings"
        assert any(field in one.__dataclass_fields__ for one in classes), f"{switch}: no such field"


def test_no_row_of_the_files_is_written_twice() -> None:
    """A row's name stands once, in one section."""
    names = [row.name for row in tables.read_rows(Path(tables.ROWS))]
    assert len(names) == len(set(names))
