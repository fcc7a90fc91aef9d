"""Which tests are slow, in which order they are run, and how a worker's report reaches the terminal.

`scripts/test.py --fast` leaves the slow ones out and answers in under a minute.
"""

import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile(  # no test asserts a time
    "streamer", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("streamer")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background job, and inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


LONGEST_FIRST = ("end_to_end", "notebooks", "browser", "contract", "parity", "unit")
"""Folders in the order in which they are run: with several workers none has long stories left at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long stories first; mark what is slow: by where it lies, and what of parity starts processes."""
    files = {path: path.relative_to(TESTS).parts[0] for path in {item.path for item in items}}
    slow_files = {
        path
        for path, folder in files.items()
        if not set(SLOW_FOLDERS).isdisjoint(path.parents)
        or (folder == "end_to_end" and path.name not in QUICK_END_TO_END)
    }
    items.sort(key=lambda item: LONGEST_FIRST.index(files[item.path]))
    for item in items:
        starts_processes = not PARTS_OF_A_SANDBOX.isdisjoint(getattr(item, "fixturenames", ()))
        if item.path in slow_files or (files[item.path] == "parity" and starts_processes):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Escape half surrogates, which hostile values have and no worker could send."""
    return _sendable((yield))


def _sendable(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_sendable(key): _sendable(inner) for key, inner in value.items()}
        case list() | tuple():
            return type(value)(map(_sendable, value))
        case _:
            return value
