"""What a run of the suite against a target found, row by row; also a pytest plugin that notes it.

pytest -p scripts.parity_harness.results --parity-results FILE
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from scripts.parity_harness.collecting import marks_of
from scripts.parity_harness.table import Row


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row as its tests found it.

    Attributes:
        passed: whether every test of it did; None: no test of it could be asked.
    """

    row: Row
    passed: bool | None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--parity-results FILE`."""
    parser.addoption("--parity-results", type=Path, help="write what each row's tests found to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Note what happens from now on."""
    config.pluginmanager.register(_Noting(config.getoption("--parity-results")), "parity-noting")


class _Noting:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows: dict[str, list[str]] = {}
        self._found: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self._rows[item.nodeid] = [
                row for mark in marks_of(item) if mark["gap"] is None for row in mark["rows"]
            ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            worst = self._found.get(report.nodeid)
            if worst != "failed":
                self._found[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        found = [
            {"test": test, "rows": rows, "outcome": self._found.get(test, "skipped")}
            for test, rows in self._rows.items()
        ]
        self._file.write_text(json.dumps(found, indent=1))


def pointed(rows: Sequence[Row], found: Sequence[Mapping[str, Any]]) -> list[RowResult]:
    """Judge each row: it passes if every test of it that ran passed."""
    outcomes: dict[str, list[str]] = {}
    for test in found:
        for row in test["rows"]:
            outcomes.setdefault(row, []).append(test["outcome"])
    results = []
    for row in rows:
        ran = [outcome for outcome in outcomes.get(row.name, ()) if outcome != "skipped"]
        results.append(RowResult(row, all(outcome == "passed" for outcome in ran) if ran else None))
    return results


def results_table(target: str, results: Sequence[RowResult]) -> str:
    """Write how many rows could be asked and how many failed, by section."""
    lines = [f"{'':42} {'asked':>6} {'pass':>6} {'fail':>6}"]
    groups = [(section, list(of)) for section, of in groupby(results, lambda result: result.row.section)] + [
        ("All", list(results))
    ]
    for section, of in groups:
        asked = [one for one in of if one.passed is not None]
        failed = [one.row.name for one in asked if not one.passed]
        lines.append(f"{section:42} {len(asked):6} {len(asked) - len(failed):6} {len(failed):6}")
        if section != "All" and failed:
            lines.append(f"    {' '.join(failed)}")
    return f"Rows of the suite that {target} was asked:\n" + "\n".join(lines)
