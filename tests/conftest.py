"""Which tests are slow: `scripts/test.py --fast` leaves them out and answers in under a minute."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

SLOW_FOLDERS = (
    TESTS / "browser",
    TESTS / "contract",
    TESTS / "end_to_end" / "notebook_sandbox",
    TESTS / "notebooks",
)
"""Each starts back ends, kernels or browsers of its own; a slow test elsewhere is marked where it stands."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in a slow folder."""
    for item in items:
        if any(folder in item.path.parents for folder in SLOW_FOLDERS):
            item.add_marker(pytest.mark.slow)
