"""Which tests are slow: `scripts/test.py --fast` leaves them out and answers in under a minute."""

from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("streamer", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("streamer")

TESTS = Path(__file__).parent

SLOW_FOLDERS = (
    TESTS / "browser",
    TESTS / "contract",
    TESTS / "end_to_end" / "notebook_sandbox",
    TESTS / "notebooks",
)
"""Each starts back ends, kernels or browsers of its own; a slow test elsewhere is marked where it stands."""


QUICK_END_TO_END = {"test_short_requests.py", "test_long_requests.py", "test_bad_messages.py"}
"""Of the end-to-end tests these show within seconds whether the flow works; the others are slow together."""

PARTS_OF_A_SANDBOX = {"parity_target", "start_service"}
"""Fixtures of the parity tests that start processes; what asks for none of them is quick."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it lies, and of the parity tests what starts processes."""
    for item in items:
        in_slow_folder = any(folder in item.path.parents for folder in SLOW_FOLDERS)
        is_end_to_end = TESTS / "end_to_end" in item.path.parents
        is_parity = TESTS / "parity" in item.path.parents
        starts_processes = not PARTS_OF_A_SANDBOX.isdisjoint(getattr(item, "fixturenames", ()))
        if (
            in_slow_folder
            or (is_end_to_end and item.path.name not in QUICK_END_TO_END)
            or (is_parity and starts_processes)
        ):
            item.add_marker(pytest.mark.slow)
