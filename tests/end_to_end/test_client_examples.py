"""Every example of `streamer/clients/README.md` does what it says, as it stands there."""

import asyncio
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from emulator import Sandbox

README = Path(__file__).parents[2] / "streamer" / "clients" / "README.md"
pytestmark = pytest.mark.slow


def examples() -> dict[str, str]:
    """Return the code blocks of the README by name."""
    text = README.read_text()
    found = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", text, re.DOTALL))
    assert len(found) == text.count("```python"), "an example has no name, and would not be tested"
    return found


async def run(name: str, sandbox: Sandbox, person: Any) -> dict[str, Any]:
    """Run an example as the body of a function; returns its variables."""
    code = textwrap.indent(examples()[name], "    ")
    kind = "def" if name == "blocking" else "async def"
    scope: dict[str, Any] = {}
    exec(f"{kind} example(url, token, new_token):\n{code}\n    return locals()", scope)

    def new_token() -> str:
        return sandbox.token(person.user, person.tenant)

    token = await asyncio.to_thread(new_token)
    given = (sandbox.addresses.websocket, token, new_token)
    async with asyncio.timeout(60):
        if name == "blocking":
            return await asyncio.to_thread(scope["example"], *given)
        return await scope["example"](*given)


async def test_request(sandbox: Sandbox, person: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Short work has its data, long work its progress and its result."""
    found = await run("request", sandbox, person)
    assert found["data"]["echo"] == {"message": "hi"}
    assert found["result"]
    assert "100.0" in capsys.readouterr().out


async def test_errors(sandbox: Sandbox, person: Any) -> None:
    """A payload that does not fit is refused with its code."""
    found = await run("errors", sandbox, person)
    assert (found["code"], found["may_be_sent_again"]) == ("VALIDATION_ERROR", False)


async def test_reconnect(sandbox: Sandbox, person: Any) -> None:
    """A policy, a provider and a heartbeat are taken."""
    found = await run("reconnect", sandbox, person)
    assert found["result"]
    assert found["complete"] is True


async def test_control(sandbox: Sandbox, person: Any) -> None:
    """Following, asking, listing and cancelling."""
    found = await run("control", sandbox, person)
    assert found["status"].status == "COMPLETED"
    assert [each.request_id for each in found["page"].requests] == [found["report"].request_id]
    assert found.get("code", "CANCELLED") == "CANCELLED"


async def test_blocking(sandbox: Sandbox, person: Any) -> None:
    """The same from a thread."""
    found = await run("blocking", sandbox, person)
    assert found["data"]["echo"] == {"message": "hi"}
    assert found["status"].status == "COMPLETED"


def test_every_example_is_run() -> None:
    """An example without a test here would not be noticed when it breaks."""
    assert {f"test_{name}" for name in examples()} <= globals().keys()
