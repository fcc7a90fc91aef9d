"""Every error code that exists reaches a client, each in a story through the router's function."""

import json
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from streamer.actions import ActionContext, action
from streamer.actions.registry import ActionRegistry
from streamer.clock import SystemClock
from streamer.connections.manager import Delivery
from streamer.dynamorm import Database, Throttled
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.errors import ActionFailed, ErrorCode
from streamer.lambdas.router import build
from streamer.lambdas.services import Services
from streamer.store import Connection, ConnectionStore, MessageStore, RequestStore, SubscriptionStore
from streamer.testing import MemoryS3, make_settings

SECRET = "password=hunter2"


@action("late", payload=dict[str, Any], timeout_s=0.05)
def late(payload: dict[str, Any], context: ActionContext) -> None:
    threading.Event().wait(2.0)


@action("raises", payload=dict[str, Any])
def raises(payload: dict[str, Any], context: ActionContext) -> None:
    raise RuntimeError(SECRET)


@action("large", payload=dict[str, Any])
def large(payload: dict[str, Any], context: ActionContext) -> str:
    return "x" * 11_000_000


@action("guarded", payload=dict[str, Any], permission="guarded:do")
def guarded(payload: dict[str, Any], context: ActionContext) -> None:
    """Do nothing, for few."""


@action("queued", payload=dict[str, Any], estimated_duration_s=60)
def queued(payload: dict[str, Any], context: ActionContext) -> None:
    """Do nothing, later."""


@action("explains", payload=dict[str, Any])
def explains(payload: dict[str, Any], context: ActionContext) -> None:
    raise ActionFailed("The mill is closed on Mondays.", code="MILL_CLOSED", details={"until": "Tuesday"})


class Sender:
    """Keeps what is posted to connections."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, endpoint: str, connection_id: str, data: bytes) -> Delivery:
        self.sent.append(json.loads(data))
        return Delivery.DELIVERED

    def send_many(self, subscribers: Any, data: bytes, **_: Any) -> list[Delivery]:
        self.sent.append(json.loads(data))
        return [Delivery.DELIVERED for _ in subscribers]

    def disconnect(self, endpoint: str, connection_id: str) -> None:
        """Close nothing."""


class World:
    """The router's function on memory, with one connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.sender = Sender()
        settings = make_settings(max_in_flight_per_user=2)
        database, clock = MemoryDynamoDB(), SystemClock()
        services: Any = Services(settings, function="router", make_client={"s3": MemoryS3()}.__getitem__)
        services.connections = ConnectionStore(database, settings, clock)
        services.requests = RequestStore(database, settings, clock)
        services.subscriptions = SubscriptionStore(database, settings, clock)
        services.messages = MessageStore(database, settings, clock)
        services.registry = ActionRegistry([late, raises, large, guarded, queued, explains])
        services.sender = self.sender
        services.connections.put(
            Connection(
                connection_id="C1=",
                tenant_id="acme",
                user_id="ada",
                permissions=[],
                endpoint="https://localhost/local",
                token_expires_at=clock.now() + 3600,
                connected_at=clock.now(),
            )
        )
        self._handle = build(services)

    def ask(self, action: str, own_id: str = "r1", /, *, on: str = "C1=", **payload: Any) -> dict[str, Any]:
        """Return the answer, or what was posted last where there is none."""
        event = {
            "requestContext": {
                "connectionId": on,
                "requestId": "R=",
                "domainName": "localhost",
                "stage": "local",
            },
            "body": json.dumps({"action": action, "id": own_id, "payload": payload}),
        }
        context: Any = SimpleNamespace(aws_request_id="A", get_remaining_time_in_millis=lambda: 29_000)
        answer = self._handle(event, context)
        told: dict[str, Any] = json.loads(answer["body"]) if "body" in answer else self.sender.sent[-1]
        return told

    def break_the_database(self, method: str, error: Exception) -> None:
        def fail(*arguments: Any, **options: Any) -> None:
            raise error

        self.monkeypatch.setattr(Database, method, fail)


def duplicate(world: World) -> dict[str, Any]:
    world.ask("queued", n=1)
    return world.ask("queued", n=2)


def cancelled(world: World) -> dict[str, Any]:
    world.ask("queued", "r1")
    world.ask("cancel", "q1", request_id="r1")
    return world.sender.sent[-1]


def rate_limited(world: World) -> dict[str, Any]:
    world.ask("queued", "r1")
    world.ask("queued", "r2")
    return world.ask("queued", "r3")


def unavailable(world: World) -> dict[str, Any]:
    world.ask("late")  # the connection is known from now on
    world.break_the_database("transact", Throttled(SECRET))
    return world.ask("queued")


def broken(world: World) -> dict[str, Any]:
    world.ask("late")
    world.break_the_database("find", RuntimeError(SECRET))
    return world.ask("status", request_id="r1")


STORIES: dict[ErrorCode, Callable[[World], dict[str, Any]]] = {
    ErrorCode.VALIDATION_ERROR: lambda world: world.ask("status"),
    ErrorCode.INVALID_ACTION: lambda world: world.ask("juggle"),
    ErrorCode.NOT_FOUND: lambda world: world.ask("status", request_id="none"),
    ErrorCode.UNAUTHORIZED: lambda world: world.ask("late", on="unknown="),
    ErrorCode.FORBIDDEN: lambda world: world.ask("guarded"),
    ErrorCode.RATE_LIMITED: rate_limited,
    ErrorCode.DUPLICATE_REQUEST: duplicate,
    ErrorCode.CANCELLED: cancelled,
    ErrorCode.TIMEOUT: lambda world: world.ask("late"),
    ErrorCode.PROCESSING_FAILED: lambda world: world.ask("raises"),
    ErrorCode.RESULT_TOO_LARGE: lambda world: world.ask("large"),
    ErrorCode.SERVICE_UNAVAILABLE: unavailable,
    ErrorCode.INTERNAL_ERROR: broken,
}

RETRYABLE = {
    ErrorCode.RATE_LIMITED,
    ErrorCode.TIMEOUT,
    ErrorCode.SERVICE_UNAVAILABLE,
    ErrorCode.INTERNAL_ERROR,
}
"""Codes of failures that may pass."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_reaches_a_client(code: ErrorCode, world: World) -> None:
    """Each code has a story, which ends with it and a sentence of ours; a code without a story fails here."""
    told = STORIES[code](world)
    assert (told["type"], told["success"], told["error"]["code"]) == ("error", False, code)
    assert told["error"]["message"].endswith(".")
    assert SECRET not in json.dumps(told)
    assert told["error"].get("retry", {}).get("retryable", False) is (code in RETRYABLE)


def test_a_limit_says_when_to_come_again(world: World) -> None:
    """The seconds are in `retry.after_s`."""
    assert rate_limited(world)["error"]["retry"]["after_s"] > 0


def test_an_actions_own_code_reaches_its_client(world: World) -> None:
    """With its words and its facts."""
    assert world.ask("explains")["error"] == {
        "code": "MILL_CLOSED",
        "message": "The mill is closed on Mondays.",
        "details": {"until": "Tuesday"},
    }
