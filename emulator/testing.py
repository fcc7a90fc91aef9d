"""pytest fixtures: a sandbox for the whole run, a connected client for each test.

Loaded by pytest by itself where this distribution is installed; needs pytest-asyncio.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from emulator.sandbox import Sandbox

_Result = TypeVar("_Result")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the sandbox."""
    group = parser.getgroup("sandbox")
    group.addoption(
        "--sandbox-application",
        default="streamer",
        help="what the sandbox runs: a module of emulator.applications, a dotted module, or a Python file",
    )
    group.addoption(
        "--sandbox-aws-endpoint",
        default=None,
        help="address of a running AWS back end to use instead of starting LocalStack",
    )


@pytest.fixture(scope="session")
def sandbox_options() -> dict[str, Any]:
    """Options of the application; override it in a conftest.py of yours."""
    return {}


@pytest.fixture(scope="session")
def sandbox_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop that the sandbox's handle lives in, in a thread of its own.

    A test has a loop of its own that ends with it; the sandbox outlives the test.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def run_in(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Run `coroutine` in a loop that another thread runs; returns its result."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


@pytest.fixture(scope="session")
def sandbox_aws_endpoint(request: pytest.FixtureRequest) -> str | None:
    """Address of a running AWS back end, None to start LocalStack; override it in a conftest.py of yours."""
    endpoint: str | None = request.config.getoption("--sandbox-aws-endpoint")
    return endpoint


@pytest.fixture(scope="session")
def sandbox(
    request: pytest.FixtureRequest,
    sandbox_options: dict[str, Any],
    sandbox_aws_endpoint: str | None,
    sandbox_loop: asyncio.AbstractEventLoop,
) -> Iterator[Sandbox]:
    """A running sandbox, one for the whole test run."""
    running = run_in(
        sandbox_loop,
        Sandbox.start(
            request.config.getoption("--sandbox-application"),
            options=sandbox_options,
            aws_endpoint=sandbox_aws_endpoint,
        ),
    )
    yield running
    run_in(sandbox_loop, running.stop())


@pytest_asyncio.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Any]:
    """A client of the application, connected as user `demo` of tenant `demo`."""
    connected = await sandbox.connect(user="demo", tenant="demo")
    yield connected
    await connected.close()
