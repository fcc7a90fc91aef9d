"""A message that cannot be taken is answered with one error, and the connection stays open."""

import json
from typing import Any

import pytest

MAX_FRAME_BYTES = 32 * 1024


async def assert_open(wire: Any) -> None:
    """Check that the connection still answers."""
    answer = await wire.ask({"action": "echo", "id": "still-open"})
    assert (answer["type"], answer["request_id"]) == ("response", "still-open")


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        ("not json", "VALIDATION_ERROR", None),
        ('{"action": "echo"', "VALIDATION_ERROR", None),
        ('"echo"', "VALIDATION_ERROR", None),
        ("[1, 2]", "VALIDATION_ERROR", None),
        ("null", "VALIDATION_ERROR", None),
        ("[" * 20_000, "VALIDATION_ERROR", None),
        ("{}", "VALIDATION_ERROR", None),
        ('{"id": "bad-1"}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": ""}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": 5}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": null}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": "nothing_of_the_sort"}', "INVALID_ACTION", "bad-1"),
        ('{"id": "bad-1", "action": "__class__"}', "INVALID_ACTION", "bad-1"),
        ('{"id": "bad-1", "action": "echo", "payload": [1]}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": "echo", "payload": null}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": "echo", "metadata": {"a": 1}}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad-1", "action": "echo", "type": "response"}', "VALIDATION_ERROR", "bad-1"),
        ('{"id": "bad 1", "action": "echo"}', "VALIDATION_ERROR", None),
        ('{"id": "", "action": "echo"}', "VALIDATION_ERROR", None),
        ('{"id": 7, "action": "echo"}', "VALIDATION_ERROR", None),
        ('{"id": "' + "x" * 129 + '", "action": "echo"}', "VALIDATION_ERROR", None),
        ('{"id": "bad-1", "action": "generate_report"}', "VALIDATION_ERROR", "bad-1"),
        (
            '{"id": "bad-1", "action": "generate_report", "payload":'
            ' {"start_date": "2024-02-30", "end_date": "2024-12-31"}}',
            "VALIDATION_ERROR",
            "bad-1",
        ),
        (
            '{"id": "bad-1", "action": "generate_report", "payload":'
            ' {"start_date": "2024-12-31", "end_date": "2024-01-01"}}',
            "VALIDATION_ERROR",
            "bad-1",
        ),
        (
            '{"id": "bad-1", "action": "generate_report", "payload":'
            ' {"start_date": "2024-01-01", "end_date": "2024-12-31", "report_type": "weekly"}}',
            "VALIDATION_ERROR",
            "bad-1",
        ),
        (
            '{"id": "bad-1", "action": "generate_report", "payload":'
            ' {"start_date": "2024-01-01", "end_date": "2024-12-31", "surprise": 1}}',
            "VALIDATION_ERROR",
            "bad-1",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "none",
)
async def test_bad_message_is_one_error(
    wire: Any, person: Any, stored: Any, text: str, code: str, request_id: str | None
) -> None:
    """The answer is one `error` with a code, a sentence, and the request's id where it can be known."""
    answer = await wire.ask(text)
    assert answer["type"] == "error"
    assert answer["success"] is False
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].endswith(".")
    assert " " in answer["error"]["message"]
    assert answer.get("request_id") == request_id
    assert "sequence" not in answer
    await assert_open(wire)
    assert len(wire.messages) == 2
    if request_id is not None:
        assert not await stored.request(person, request_id)


async def test_bad_message_does_not_touch_work_under_way(wire: Any) -> None:
    """Errors about other messages come in between; the work goes on and completes."""
    await wire.send({"action": "sleep", "id": "good", "payload": {"seconds": 0.5, "steps": 5}})
    for text in ("not json", '{"action": "unknown", "id": "bad"}'):
        await wire.send(text)
    await wire.until(request_id="good", type="complete")
    assert len([message for message in wire.messages if message["type"] == "error"]) == 2


async def test_frame_of_32_kb_is_taken(wire: Any) -> None:
    """A frame of exactly 32 KB is answered."""
    text = json.dumps({"action": "echo", "id": "large", "payload": {"x": ""}})
    text = text.replace('""', '"' + "x" * (MAX_FRAME_BYTES - len(text)) + '"')
    assert len(text) == MAX_FRAME_BYTES
    assert (await wire.ask(text))["request_id"] == "large"


async def test_frame_over_32_kb_closes_with_1009(
    wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """One byte more closes the connection with 1009, as API Gateway does; its rows go."""
    await wire.send("x" * (MAX_FRAME_BYTES + 1))
    assert await wire.closed() == 1009
    assert wire.messages == []

    async def forgotten() -> bool:
        return not await stored.connections_of(person)

    await eventually(forgotten)


async def test_binary_frame_closes_with_1003(wire: Any) -> None:
    """A binary frame closes the connection with 1003, whatever is in it."""
    await wire.send(b'{"action": "echo"}')
    assert await wire.closed() == 1003
    assert wire.messages == []


async def test_client_refuses_to_send_what_would_cut_it(client: Any) -> None:
    """The client raises for a message over 32 KB, sends nothing and stays connected."""
    from streamer.clients.python import MessageTooLarge

    with pytest.raises(MessageTooLarge):
        client.request("echo", {"x": "x" * MAX_FRAME_BYTES})
    assert (await client.request("echo", {"a": 1}))["echo"] == {"a": 1}


async def test_client_raises_the_servers_error(client: Any) -> None:
    """`await` of a refused request raises with the server's code and sentence."""
    from streamer.clients.python import RequestFailed

    with pytest.raises(RequestFailed) as failure:
        await client.request("nothing_of_the_sort")
    assert failure.value.code == "INVALID_ACTION"
    assert not failure.value.retryable
