"""A module with actions of one's own, as a deployment offers it: middleware, permission, metadata."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Sandbox
from emulator.testing import run_in
from streamer.clients.python import RequestFailed

MODULE = '''
from typing import Any

from streamer.actions import ActionContext, action


def signed(name: str) -> Any:
    """Put a name before what comes from inside."""
    return lambda payload, context, proceed: [name, *proceed(payload, context)]


every = signed("every")
MIDDLEWARE = (signed("module"),)


@action("tell", payload=dict[str, Any], middleware=(signed("own"),))
async def tell(payload: dict[str, Any], context: ActionContext) -> list[Any]:
    return [dict(context.metadata), "admin" in context.identity.permissions]


@action("tell_admins", payload=dict[str, Any], permission="admin")
def tell_admins(payload: dict[str, Any], context: ActionContext) -> list[Any]:
    return ["told"]
'''


@pytest.fixture(scope="module")
def deployed(
    sandbox: Sandbox, sandbox_loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A deployment that offers the module, on the first sandbox's back end."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_actions.py").write_text(MODULE)
    options = {
        "name": "own",
        "action_modules": "own_actions",
        "action_middleware": "own_actions:every",
        "python_path": str(folder),
    }
    second = run_in(sandbox_loop, Sandbox.start(options=options, aws_endpoint=sandbox.addresses.aws_endpoint))
    yield second
    run_in(sandbox_loop, second.stop())


@pytest.mark.parametrize("mode", [{}, {"mode": "async"}], ids=["at-once", "queued"])
async def test_middleware_runs_around_an_action_that_knows_its_metadata(
    deployed: Sandbox, mode: dict[str, str]
) -> None:
    """The deployment's is outermost, the action's own innermost; what was sent beside comes through."""
    metadata = {"origin": "night run", **mode}
    async with await deployed.connect("ada", "acme", permissions=["admin"]) as client:
        answer: Any = await client.request("tell", metadata=metadata)
        assert answer == ["every", "module", "own", metadata, True]
        without: Any = await client.request("tell", {"n": 1}, metadata=mode)
        assert without == ["every", "module", "own", mode, True]


@pytest.mark.parametrize("mode", [{}, {"mode": "async"}], ids=["at-once", "queued"])
async def test_an_action_is_for_those_with_its_permission(deployed: Sandbox, mode: dict[str, str]) -> None:
    """Of the others no request is run and none is queued; the error says what is missing."""
    async with (
        await deployed.connect("ada", "acme", permissions=["admin"]) as admin,
        await deployed.connect("eve", "acme", permissions=["reader"]) as other,
    ):
        answer: Any = await admin.request("tell_admins", metadata=mode)
        assert answer == ["every", "module", "told"]
        with pytest.raises(RequestFailed, match="needs the permission admin") as caught:
            await other.request("tell_admins", metadata=mode)
        assert caught.value.code == "FORBIDDEN"
        assert (await other.list()).requests == []
