"""Request models on real sockets."""

import json
import re

import pytest

from emulator.application import Route

ROUTES = [
    Route("$connect", "connect"),
    Route("post", "echo", route_response=True, model="post"),
    Route("$default", "echo", route_response=True, model="json"),
]
MODELS = {
    "post": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
    "json": {},
}
ID = r"[A-Za-z0-9_-]{15}="


@pytest.fixture
async def modelled(make_world):
    async with make_world(ROUTES, models=MODELS) as world:
        yield world


async def test_a_message_that_matches_its_model_reaches_the_function(modelled, soon):
    """The body goes on as it was sent."""
    client = await modelled.connect()
    text = '{"action":"post",  "text":"x"}'
    await client.send(text)
    assert await soon(client.recv()) == text


@pytest.mark.parametrize("text", ['{"action": "post"}', '{"action": "post", "text": 1}', "not json", ""])
async def test_a_message_against_its_model_is_a_bad_request_body(modelled, soon, text):
    """The client gets the frame with the message's id, no function is called, the connection stays (A31)."""
    client = await modelled.connect()
    await client.send(text)
    frame = await soon(client.recv())
    form = rf'{{"message" : "Bad request body", "connectionId": "{ID}", "messageId": "{ID}"}}'
    assert re.fullmatch(form, frame)
    (_, connect), *others = modelled.invoker.events
    assert json.loads(frame)["connectionId"] == connect["requestContext"]["connectionId"]
    assert others == []
    (facts,) = await modelled.wait_for("gateway.failed")
    assert facts["cause"] == "request model"
    await client.send("{}")
    assert await soon(client.recv()) == "{}"
