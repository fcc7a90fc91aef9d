"""The pytest plugin in somebody else's project."""

from pathlib import Path
from typing import Any

import pytest

from emulator import Sandbox

pytestmark = pytest.mark.slow

CONFTEST = """
import pytest


@pytest.fixture(scope="session")
def sandbox_options():
    return {"name": "plugin"}
"""

TESTS = """
import pytest

seen = []


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [1, 2])
async def test_client(client, sandbox, number):
    assert (await client.request("echo", {"number": number}))["echo"] == {"number": number}
    seen.append((sandbox, client))


def test_without_a_loop(sandbox):
    assert "plugin-requests" in sandbox.boto3("dynamodb").list_tables()["TableNames"]
    (first, one), (second, other) = seen
    assert first is second is sandbox
    assert one is not other
    assert one.is_closed
    assert other.is_closed
"""


async def test_one_sandbox_for_the_run_and_a_client_for_each_test(
    sandbox: Sandbox, terminal: Any, tmp_path: Path
) -> None:
    """`sandbox` is the same in every test, `client` a new one, and no warning is given."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    endpoint = f"--sandbox-aws-endpoint={sandbox.addresses.aws_endpoint}"
    finished = await terminal.run(
        *["-m", "pytest", "-W", "error", "-p", "no:cacheprovider", endpoint], cwd=tmp_path
    )
    assert finished.status == 0, finished.out
    assert "3 passed" in finished.out


async def test_sandbox_that_does_not_start_is_told(terminal: Any, tmp_path: Path) -> None:
    """Where the sandbox cannot start, the tests that need it fail with the sentence that says why."""
    (tmp_path / "test_mine.py").write_text("def test_it(sandbox):\n    pass\n")
    finished = await terminal.run(
        *["-m", "pytest", "-p", "no:cacheprovider", "--sandbox-aws-endpoint=http://127.0.0.1:9"], cwd=tmp_path
    )
    assert finished.status == 1
    assert "Nothing answers to the AWS API at http://127.0.0.1:9" in finished.out
