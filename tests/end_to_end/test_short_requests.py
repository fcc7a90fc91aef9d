"""Short work is answered at once, on the real way through gateway and router."""

from typing import Any

from emulator import Sandbox


async def test_echo_is_answered_with_its_payload(client: Any) -> None:
    """`await client.request("echo", …)` gives back what was sent, exactly."""
    payload = {"message": "hi", "list": [1, 2.5, None, True, {"ü": "ä"}], "big": 2**53}
    answer = await client.request("echo", payload)
    assert answer["echo"] == payload


async def test_short_request_is_one_response(wire: Any) -> None:
    """A short request is answered by exactly one `response`, with the client's id and no acknowledgment."""
    answer = await wire.ask({"action": "echo", "id": "short-1", "payload": {"a": 1}})
    assert set(answer) == {"type", "request_id", "timestamp", "success", "data"}
    assert (answer["type"], answer["request_id"], answer["success"]) == ("response", "short-1", True)
    await wire.barrier()
    assert wire.of("short-1") == [answer]


async def test_request_without_id_gets_one(wire: Any) -> None:
    """The router makes an id for a request that has none."""
    first = await wire.ask({"action": "echo"})
    second = await wire.ask({"action": "echo"})
    assert first["request_id"]
    assert second["request_id"]
    assert first["request_id"] != second["request_id"]


async def test_health_is_answered(client: Any) -> None:
    """`health` answers as a short request."""
    assert await client.request("health")


async def test_short_request_leaves_no_item(client: Any, stored: Any) -> None:
    """Short requests are not stored."""
    request = client.request("echo", {"message": "hi"})
    await request
    assert all(item.get("request_id") != request.request_id for item in await stored.requests.all())


async def test_many_short_requests_are_answered_each_with_its_own(client: Any) -> None:
    """Requests that are under way at the same time are never mixed up."""
    requests = [client.request("echo", {"number": number}) for number in range(100)]
    assert [(await request)["echo"]["number"] for request in requests] == list(range(100))


async def test_tls_port_serves_the_same(sandbox: Sandbox, dial: Any) -> None:
    """The TLS port answers with a certificate of the CA bundle that the sandbox names."""
    import ssl

    context = ssl.create_default_context(cafile=sandbox.addresses.ca_bundle)
    url = sandbox.addresses.https.replace("https:", "wss:")
    connection = await dial(url, sandbox.token(), ssl=context)
    assert (await connection.ask({"action": "echo", "payload": {"over": "tls"}}))["data"]["echo"] == {
        "over": "tls"
    }


async def test_subprotocol_names_the_version(sandbox: Sandbox, dial: Any) -> None:
    """A client that asks for `streamer.v1` gets it; one that asks for nothing gets nothing."""
    asked = await dial(sandbox.addresses.websocket, sandbox.token(), subprotocols=["other", "streamer.v1"])
    assert asked.connection.subprotocol == "streamer.v1"
    silent = await dial(sandbox.addresses.websocket, sandbox.token())
    assert silent.connection.subprotocol is None


async def test_token_in_the_query_is_taken(sandbox: Sandbox, dial: Any, person: Any) -> None:
    """A browser, which can set no header, passes its token as `?token=`."""
    token = sandbox.token(person.user, person.tenant)
    connection = await dial(f"{sandbox.addresses.websocket}?token={token}")
    assert (await connection.ask({"action": "echo"}))["type"] == "response"
