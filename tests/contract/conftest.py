"""One real LocalStack for every contract test that needs one, and races."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from emulator.errors import BackendFailed
from emulator.localstack.process import LocalStack

START_TIMEOUT_S = 300
"""The first start makes LocalStack's environment."""

STOP_TIMEOUT_S = 30


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A LocalStack that lives as long as the test run and looks for expired items ten times a second."""
    process = LocalStack(tmp_path_factory.mktemp("localstack"), settings={"EMULATOR_TTL_INTERVAL_S": "0.1"})
    loop = asyncio.new_event_loop()  # in a thread of its own: the tests' loops come and go
    thread = threading.Thread(target=loop.run_forever, name="localstack")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(process.start(), loop).result(START_TIMEOUT_S)
        yield process
    except BackendFailed as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"LocalStack did not start: {error}")
    finally:
        asyncio.run_coroutine_threadsafe(process.stop(), loop).result(STOP_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def race() -> Callable[..., list[Any]]:
    """Call functions at the same moment from threads; returns results and exceptions in their order."""

    def call(*functions: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(len(functions), timeout=20)

        def run(function: Callable[[], Any]) -> Any:
            barrier.wait()
            try:
                return function()
            except Exception as error:  # noqa: BLE001  # the test looks at it
                return error

        with ThreadPoolExecutor(len(functions)) as pool:
            return [*pool.map(run, functions)]

    return call
