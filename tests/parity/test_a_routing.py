"""Rows A20 to A39: which function a message goes to, and what comes back."""

import json
from typing import Any

import pytest

from emulator.application import Route, WebSocketApi
from emulator.errors import InvalidApplication
from emulator.gateway import GatewaySettings


async def internal_server_error(socket: Any, message: Any) -> None:
    """Send, and expect the frame of a failed integration, to the character."""
    text = await socket.ask(message)
    request_id = json.loads(text)["requestId"]
    assert text == (
        f'{{"message": "Internal server error", "connectionId":"{socket.connection_id}",'
        f' "requestId":"{request_id}"}}'
    )


@pytest.mark.row("A20")
async def test_key_of_ones_own_does_not_begin_with_a_dollar(start_gateway: Any) -> None:
    """A route key that begins with `$` and is none of the three is refused when the API is declared."""
    with pytest.raises(InvalidApplication, match=r"\$other"):
        await start_gateway(WebSocketApi("own", [Route("$other", "default")]))


@pytest.mark.row("A21")
@pytest.mark.parametrize(
    ("api", "message"),
    [
        ("nested", {"message": {"kind": "reply"}}),
        ("combined", {"action": "join", "place": "room"}),
    ],
)
async def test_selection_expressions(parity: Any, api: str, message: Any) -> None:
    """A path may be nested, and several paths may be joined with text."""
    socket = await parity.open(api)
    assert await socket.ask(message) == "reply"
    assert (await parity.function("reply").event())["requestContext"]["routeKey"] in ("reply", "join-room")


@pytest.mark.row("A21")
async def test_escaped_dollar_is_text(start_gateway: Any, function: Any) -> None:
    r"""`\$default` is the text `$default`, whatever the message says."""
    routes = [Route("$default", "default", route_response=True), Route("reply", "reply")]
    own = await start_gateway(WebSocketApi("own", routes, route_selection_expression=r"\$default"))
    function("default").returns({"statusCode": 200, "body": "default"})
    socket = await own.connect()
    assert await socket.ask({"action": "reply"}) == "default"


@pytest.mark.row("A22")
@pytest.mark.parametrize("action", ["Reply", "REPLY", " reply", "reply ", "repl"])
async def test_route_is_selected_by_equality(parity: Any, action: str) -> None:
    """A value that differs from every key in case or by a blank goes to `$default`."""
    socket = await parity.open()
    await socket.send({"action": action})
    assert (await parity.function("default").event())["requestContext"]["routeKey"] == "$default"


@pytest.mark.row("A23")
@pytest.mark.parametrize(
    ("action", "key"), [(1, "1"), (True, "true"), (["a", "b"], "[a, b]")], ids=["number", "boolean", "list"]
)
async def test_value_becomes_text(parity: Any, action: Any, key: str) -> None:
    """A number, a boolean and a list are compared with the keys as text."""
    socket = await parity.open()
    await socket.send({"action": action})
    assert (await parity.function("reply").event())["requestContext"]["routeKey"] == key


@pytest.mark.row("A23")
async def test_missing_path_is_empty_text(parity: Any) -> None:
    """A path that is not there is the empty text between the others."""
    socket = await parity.open("combined")
    await socket.send({"action": "join"})
    assert (await parity.function("reply").event())["requestContext"]["routeKey"] == "join-"


@pytest.mark.row("A24")
@pytest.mark.parametrize("action", ["$connect", "$disconnect"])
async def test_message_cannot_select_connect_or_disconnect(parity: Any, action: str) -> None:
    """A message that names `$connect` or `$disconnect` goes to `$default`; those are events' own."""
    socket = await parity.open()
    await socket.send({"action": action})
    assert (await parity.function("default").event())["requestContext"]["eventType"] == "MESSAGE"
    assert parity.function("connect").count == 1
    assert parity.function("disconnect").count == 0


@pytest.mark.row("A25")
@pytest.mark.parametrize("text", ["hello", "", "{", "{'action': 'reply'}"])
async def test_text_that_is_not_json_goes_to_default(parity: Any, text: str) -> None:
    """A body that is not JSON goes to `$default` as it is."""
    socket = await parity.open()
    await socket.send(text)
    event = await parity.function("default").event()
    assert (event["body"], event["requestContext"]["routeKey"]) == (text, "$default")


@pytest.mark.row("A26")
@pytest.mark.parametrize("message", [{}, {"action": "nobody"}, {"action": None}, [], "reply", 1])
async def test_json_without_a_known_action_goes_to_default(parity: Any, message: Any) -> None:
    """JSON whose action is missing or unknown goes to `$default`."""
    socket = await parity.open()
    await socket.send(json.dumps(message))
    assert (await parity.function("default").event())["body"] == json.dumps(message)


@pytest.mark.row("A27")
@pytest.mark.parametrize("message", ['{"action": "nobody"}', "not JSON"])
async def test_message_without_a_route_is_forbidden(parity: Any, message: str) -> None:
    """Where no route fits and there is no `$default`, the client is told so and stays connected."""
    socket = await parity.open("undefaulted")
    text = await socket.ask(message)
    frame = json.loads(text)
    assert text == (
        f'{{"message": "Forbidden", "connectionId":"{socket.connection_id}",'
        f' "requestId":"{frame["requestId"]}"}}'
    )
    assert parity.function("reply").count == 0
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A28")
async def test_exception_is_an_internal_server_error(parity: Any) -> None:
    """A function that raises gives the error frame, and the connection stays open."""
    socket = await parity.open()
    parity.function("reply").raises("secret words", once=True)
    await internal_server_error(socket, {"action": "reply"})
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A28")
async def test_exception_is_told_without_a_route_response(parity: Any) -> None:
    """The error frame comes also where the route declares no route response."""
    socket = await parity.open()
    parity.function("silent").raises("secret words", once=True)
    await internal_server_error(socket, {"action": "silent"})


@pytest.mark.row("A28")
async def test_timeout_of_the_function_is_an_internal_server_error(parity: Any) -> None:
    """A function that outlasts its own timeout gives the error frame."""
    socket = await parity.open()
    parity.function("brief").sleeps(20)
    await internal_server_error(socket, {"action": "brief"})


@pytest.mark.row("A28", "E45")
async def test_throttled_function_is_an_internal_server_error(parity: Any) -> None:
    """A function without concurrency gives the error frame, and is not tried again."""
    socket = await parity.open()
    await internal_server_error(socket, {"action": "blocked"})


@pytest.mark.row("A28", "A32")
@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": "two hundred"},
        {"statusCode": 200, "headers": "none"},
        {"statusCode": 200, "isBase64Encoded": "no"},
    ],
    ids=["body", "status", "headers", "base64"],
)
async def test_malformed_response_is_an_internal_server_error(parity: Any, value: Any) -> None:
    """A member of the wrong type makes the response malformed."""
    socket = await parity.open()
    parity.function("reply").returns(value, once=True)
    await internal_server_error(socket, {"action": "reply"})


@pytest.mark.row("A29")
async def test_function_goes_on_after_the_integrations_timeout(parity: Any, steps: Any) -> None:
    """The gateway stops waiting; the function runs to its end."""
    socket = await parity.open()
    parity.function("hurried").holds()
    assert "message" in json.loads(await socket.ask({"action": "hurried"}))
    one = await parity.function("hurried").invocation()
    one.release(steps.runs("def main(event, context):\n    tell('done')"))
    assert await parity.function("hurried").finding(one) == "done"


@pytest.mark.row("A29")
@pytest.mark.parametrize("timeout_s", [0.049, 29.001])
async def test_timeout_of_an_integration_has_limits(start_gateway: Any, timeout_s: float) -> None:
    """An integration's timeout outside of 50 ms to 29 s is refused when the API is declared."""
    with pytest.raises(InvalidApplication, match="timeout"):
        await start_gateway(WebSocketApi("own", [Route("$default", "default", timeout_s=timeout_s)]))


@pytest.mark.row("A30")
async def test_frame_of_an_integrations_timeout(parity: Any) -> None:
    """The client is told that the endpoint timed out, and stays connected."""
    socket = await parity.open()
    parity.function("hurried").holds()
    text = await socket.ask({"action": "hurried"})
    request_id = json.loads(text)["requestId"]
    assert text == (
        f'{{"message": "Endpoint request timed out", "connectionId":"{socket.connection_id}",'
        f' "requestId":"{request_id}"}}'
    )
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A31")
@pytest.mark.parametrize(
    "message", [{"action": "pay"}, {"action": "pay", "amount": 0}, {"action": "pay", "amount": "1"}]
)
async def test_message_that_its_model_refuses(parity: Any, message: Any) -> None:
    """A message that does not fit its model gives its own frame, and no function runs."""
    socket = await parity.open("modelled")
    text = await socket.ask(message)
    message_id = json.loads(text)["messageId"]
    assert text == (
        f'{{"message" : "Bad request body", "connectionId": "{socket.connection_id}",'
        f' "messageId": "{message_id}"}}'
    )
    assert parity.function("checked").count == 0
    parity.function("checked").returns({"statusCode": 200, "body": "paid"})
    assert await socket.ask({"action": "pay", "amount": 1}) == "paid"


@pytest.mark.row("A32")
async def test_member_that_no_proxy_response_has(parity: Any) -> None:
    """One member more than the five makes the response malformed; all five are fine."""
    socket = await parity.open()
    parity.function("reply").returns({"statusCode": 200, "ConnectionId": "x", "Data": "y"}, once=True)
    await internal_server_error(socket, {"action": "reply"})
    whole = {
        "statusCode": 200,
        "headers": {"a": "b"},
        "multiValueHeaders": {"a": ["b"]},
        "body": "fine",
        "isBase64Encoded": False,
    }
    parity.function("reply").returns(whole, once=True)
    assert await socket.ask({"action": "reply"}) == "fine"


@pytest.mark.row("A33")
async def test_response_without_a_status_counts_as_200(parity: Any) -> None:
    """A body without a status is sent; an empty response is no failure."""
    socket = await parity.open()
    parity.function("reply").returns({"body": "fine"}, once=True)
    assert await socket.ask({"action": "reply"}) == "fine"
    parity.function("reply").returns({}, once=True)
    await socket.send({"action": "reply"})
    await parity.function("reply").events(2)
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A33")
@pytest.mark.parametrize("value", [None, "text", ["list"], 1, True])
async def test_response_that_is_no_object_is_malformed(parity: Any, value: Any) -> None:
    """Null, text, a list and a number are no responses."""
    socket = await parity.open()
    parity.function("reply").returns(value, once=True)
    await internal_server_error(socket, {"action": "reply"})


@pytest.mark.row("A34")
@pytest.mark.parametrize("status", [200, 201, 301, 401, 501])
async def test_status_of_a_message_has_no_effect(parity: Any, status: int) -> None:
    """Whatever status a message's function returns, nothing is sent and the connection stays."""
    socket = await parity.open()
    parity.function("silent").returns({"statusCode": status})
    await socket.send({"action": "silent"})
    await parity.function("silent").event()
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A35")
async def test_body_needs_a_route_response(parity: Any) -> None:
    """A body that a function returns without a route response is dropped."""
    socket = await parity.open()
    for function, message in (("silent", {"action": "silent"}), ("default", "text")):
        parity.function(function).returns({"statusCode": 200, "body": "lost"})
        await socket.send(message)
        await parity.function(function).event()
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A36")
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_body_is_one_text_message(parity: Any, status: int) -> None:
    """With a route response the body is sent as one text message, whatever the status."""
    socket = await parity.open()
    parity.function("reply").returns({"statusCode": status, "body": '{"ä": 1}'})
    assert await socket.ask({"action": "reply"}) == '{"ä": 1}'


@pytest.mark.row("A37", switch="GatewaySettings.send_empty_replies")
@pytest.mark.parametrize("sends", [False, True], ids=["default", "switched"])
async def test_route_response_without_a_body(start_gateway: Any, function: Any, *, sends: bool) -> None:
    """Without a body nothing is sent; by a switch an empty message is."""
    settings = GatewaySettings(send_empty_replies=True) if sends else GatewaySettings()
    own = await start_gateway(
        WebSocketApi("own", [Route("reply", "reply", route_response=True)]),
        settings,
    )
    socket = await own.connect()
    function("reply").returns({"statusCode": 200}, once=True)
    await socket.send({"action": "reply"})
    await function("reply").event()
    if sends:
        assert await socket.receive() == ""
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A36.large", switch="GatewaySettings.send_large_replies")
@pytest.mark.parametrize("sends", [False, True], ids=["default", "switched"])
async def test_body_that_no_message_carries(start_gateway: Any, function: Any, *, sends: bool) -> None:
    """A body of 128 KB is sent; a larger one fails as an integration does, and by a switch is sent too."""
    settings = GatewaySettings(send_large_replies=True) if sends else GatewaySettings()
    api = WebSocketApi("own", [Route("reply", "reply", route_response=True)])
    socket = await (await start_gateway(api, settings)).connect()
    largest, larger = "ä" * 65_536, "ä" * 65_536 + "."
    function("reply").returns({"statusCode": 200, "body": largest}, once=True)
    assert await socket.ask({"action": "reply"}) == largest
    function("reply").returns({"statusCode": 200, "body": larger}, once=True)
    answer = await socket.ask({"action": "reply"})
    if sends:
        assert answer == larger
    else:
        assert json.loads(answer)["message"] == "Internal server error"
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A38")
async def test_body_of_connect_reaches_nobody(parity: Any) -> None:
    """What `$connect` returns as a body is not sent, even with a route response."""
    parity.function("connect").returns({"statusCode": 200, "body": "welcome"})
    socket = await parity.open("chatty")
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A39")
async def test_messages_of_one_connection_run_side_by_side(parity: Any) -> None:
    """A slow message does not hold back the next one of its connection."""
    socket = await parity.open()
    parity.function("reply").holds()
    for number in range(3):
        await socket.send({"action": "reply", "number": number})
    held = [await parity.function("reply").invocation() for _ in range(3)]
    for one in held:
        one.release()
    assert [await socket.receive() for _ in range(3)] == ["reply"] * 3
