"""`$disconnect` on AWS's own event, with tables in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streamer.connections.manager import Delivery
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.errors import ServiceUnavailable
from streamer.lambdas import disconnect
from streamer.lambdas.services import Services
from streamer.settings import Settings
from streamer.store import Connection, RequestKey

EVENT = Path(__file__).parents[3] / "events" / "websocket_disconnect.json"
CONNECTION_ID = "R1kmxc2VNjMCFIA="
NOW = 1_707_503_008.0


@dataclass
class Context:
    aws_request_id: str = "6f6cbb8e"

    def get_remaining_time_in_millis(self) -> int:
        return 3000


class HandClock:
    def now(self) -> float:
        return NOW


@pytest.fixture
def services() -> Services:
    names = (
        "connections_table",
        "requests_table",
        "subscriptions_table",
        "counters_table",
        "records_table",
        "bucket",
        "executor_function",
    )
    settings = Settings(**dict.fromkeys(names, "unused"), jwt_keys_secret="unused")  # type: ignore[arg-type]
    clients = {"dynamodb": MemoryDynamoDB()}
    services = Services(settings, function="disconnect", clock=HandClock(), make_client=clients.__getitem__)
    for connection_id in (CONNECTION_ID, "other"):
        services.connections.put(
            Connection(
                connection_id=connection_id, tenant_id="acme", user_id="ada", permissions=[], endpoint="https://x/y",
                token_expires_at=NOW + 600, connected_at=NOW,
            )
        )  # fmt: skip
        for request_id in ("r1", "r2"):
            services.subscriptions.subscribe(
                RequestKey("acme", "ada", request_id), connection_id, "https://x/y"
            )
    return services


@pytest.fixture
def handle(services: Services) -> Callable[[], dict[str, Any]]:
    handler = disconnect.build(services)
    return lambda: handler(json.loads(EVENT.read_text()), Context())


def test_forgotten(services: Services, handle: Callable[[], dict[str, Any]]) -> None:
    """The connection and all its subscriptions are gone; others' stay."""
    assert handle() == {"statusCode": 200}
    assert services.connections.find(CONNECTION_ID) is None
    assert services.connections.find("other") is not None
    for request_id in ("r1", "r2"):
        subscribers = services.subscriptions.list(RequestKey("acme", "ada", request_id))
        assert [subscriber.connection_id for subscriber in subscribers] == ["other"]


def test_requests_that_end_with_it(services: Services, handle: Callable[[], dict[str, Any]]) -> None:
    """What asked for it is cancelled, and whoever else follows it is told; the rest goes on."""
    told: list[tuple[str, dict[str, Any]]] = []

    class Sender:
        def send_many(self, subscribers: Any, data: bytes, **_: Any) -> list[Delivery]:
            told.extend((each.connection_id, json.loads(data)) for each in subscribers)
            return [Delivery.DELIVERED for _ in subscribers]

    services.sender = Sender()  # type: ignore[assignment]
    keys = {name: RequestKey("acme", "ada", name) for name in ("ending", "going")}
    for name, key in keys.items():
        services.requests.create(
            key, action="sleep", payload={}, correlation_id="c", connection_id=CONNECTION_ID,
            endpoint="https://x/y", cancel_on_disconnect=name == "ending",
        )  # fmt: skip
        services.subscriptions.subscribe(key, "viewer", "https://x/y")
    assert handle() == {"statusCode": 200}
    assert services.requests.get(keys["ending"]).status == "CANCELLED"
    assert services.requests.get(keys["going"]).status == "PENDING"
    assert [(who, message["error"]["code"]) for who, message in told] == [("viewer", "CANCELLED")]
    assert not services.requests.get(keys["ending"]).undelivered


def test_one_that_cannot_be_ended_now(services: Services, handle: Callable[[], dict[str, Any]]) -> None:
    """It holds up none of the others, and keeps its subscription: by that the next post finds it again."""
    services.sender = object()  # type: ignore[assignment]  # nobody else is told
    keys = [RequestKey("acme", "ada", name) for name in ("e1", "e2", "e3")]
    for key in keys:
        services.requests.create(
            key, action="sleep", payload={}, correlation_id="c", connection_id=CONNECTION_ID,
            endpoint="https://x/y", cancel_on_disconnect=True,
        )  # fmt: skip
    cancel = services.requests.cancel

    def failing(key: RequestKey) -> Any:
        if key == keys[0]:
            raise ServiceUnavailable("The table does not answer.")
        return cancel(key)

    services.requests.cancel = failing  # type: ignore[method-assign]
    assert handle() == {"statusCode": 200}
    assert [services.requests.get(key).status for key in keys] == ["PENDING", "CANCELLED", "CANCELLED"]
    assert services.subscriptions.list_requests(CONNECTION_ID) == [keys[0]]
    services.requests.cancel = cancel  # type: ignore[method-assign]
    services.forget_connection(CONNECTION_ID)
    assert services.requests.get(keys[0]).status == "CANCELLED"


def test_idempotent(handle: Callable[[], dict[str, Any]]) -> None:
    """A second event, or one of a connection that never was, changes nothing and succeeds."""
    assert [handle(), handle()] == [{"statusCode": 200}] * 2


def test_logged(handle: Callable[[], dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """One line has the close code and how long the connection lasted, but not the client's words."""
    handle()
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["action"], line["code"], line["duration_ms"]) == ("connection.closed", 1005, 1545)
    assert (line["aws_request_id"], line["correlation_id"], line["connection_id"]) == (
        "6f6cbb8e", "R1koeHsUtjMFbRw=", CONNECTION_ID,
    )  # fmt: skip
    assert "Client-side" not in str(line)


class BrokenStore:
    def delete(self, connection_id: str) -> None:
        raise ServiceUnavailable("The table does not answer.")


def test_failure_of_ours(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the tables do not answer the failure is logged, with its connection, and answered with 500."""
    services.connections = BrokenStore()  # type: ignore[assignment]
    assert disconnect.build(services)(json.loads(EVENT.read_text()), Context()) == {"statusCode": 500}
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["level"], line["action"], line["connection_id"]) == (
        "ERROR", "connection.not_removed", CONNECTION_ID,
    )  # fmt: skip
