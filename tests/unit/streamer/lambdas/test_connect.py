"""`$connect` on AWS's own events, with real keys and tables in memory."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streamer.auth.development import generate_key_pair, issue_token
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.errors import NotFound, ServiceUnavailable
from streamer.lambdas import connect
from streamer.lambdas.services import Handler, Services
from streamer.settings import Settings

EVENTS = Path(__file__).parents[3] / "events"
NOW = 1_708_326_702.8
CONNECTION_ID = "TXzPWdnOjoECGjA="


class HandClock:
    time = NOW

    def now(self) -> float:
        return self.time


@dataclass
class Context:
    aws_request_id: str = "6f6cbb8e"

    def get_remaining_time_in_millis(self) -> int:
        return 3000


class Secrets:
    """Secrets Manager with one secret, which may be out of reach."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.failure: Exception | None = None

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803  # boto3's name
        if self.failure is not None:
            raise self.failure
        assert SecretId == "streamer/keys"
        return {"SecretString": self.text}


class Bench:
    """A handler and everything around it."""

    def __init__(self, public: dict[str, Any], **changes: str) -> None:
        names = (
            "connections_table",
            "requests_table",
            "subscriptions_table",
            "counters_table",
            "records_table",
            "bucket",
            "executor_function",
        )
        values = dict.fromkeys(names, "unused") | {"jwt_keys_secret": "streamer/keys"} | changes
        self.secrets = Secrets(json.dumps(public))
        clients = {"dynamodb": MemoryDynamoDB(), "secretsmanager": self.secrets}
        self.services = Services(
            Settings(**values), function="connect", clock=HandClock(), make_client=clients.__getitem__  # type: ignore[arg-type]
        )  # fmt: skip
        self.handler: Handler = connect.build(self.services)

    def connect(self, token: str | None, **headers: str) -> dict[str, Any]:
        event = copy.deepcopy(json.loads((EVENTS / "websocket_connect_authorized.json").read_text()))
        del event["requestContext"]["authorizer"], event["queryStringParameters"]
        if token is not None:
            event["headers"]["Authorization"] = f"Bearer {token}"
        event["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.handler(event, Context())


@pytest.fixture(scope="module")
def pair() -> tuple[dict[str, Any], dict[str, Any]]:
    return generate_key_pair("dev")


@pytest.fixture
def sign(pair: Any) -> Callable[..., str]:
    def sign(**changes: Any) -> str:
        options = {"user_id": "ada", "tenant_id": "acme", "permissions": ["report"], "now": NOW} | changes
        return issue_token(pair[0], **options)

    return sign


@pytest.fixture
def bench(pair: Any) -> Bench:
    return Bench(pair[1])


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_connected(bench: Bench, sign: Callable[..., str]) -> None:
    """A good token opens the connection, and what it says is stored with where to post to."""
    assert bench.connect(sign(expires_in_s=600)) == {"statusCode": 200}
    connection = bench.services.connections.get(CONNECTION_ID)
    assert (connection.tenant_id, connection.user_id, list(connection.permissions)) == (
        "acme",
        "ada",
        ["report"],
    )
    assert connection.endpoint == "https://abcd123.execute-api.us-east-1.amazonaws.com/prod"
    assert connection.token_expires_at == int(NOW) + 600
    assert connection.connected_at == NOW
    assert connection.expires_at == int(NOW) + 2 * 3600 + 600


def test_token_in_query(bench: Bench, sign: Callable[..., str]) -> None:
    """A browser's token, which is in the query, opens the connection too."""
    event = json.loads((EVENTS / "websocket_connect_authorized.json").read_text())
    event["queryStringParameters"] = {"token": sign()}
    assert bench.handler(event, Context()) == {"statusCode": 200}


def test_logged(bench: Bench, sign: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line says who connected, with the ids of the invocation, and holds no token."""
    token = sign()
    bench.connect(token)
    written = capsys.readouterr().out
    line = json.loads(written.splitlines()[-1])
    assert not any(part in written for part in token.split("."))
    assert {name: line[name] for name in ("level", "action", "function", "tenant_id", "user_id")} == {
        "level": "INFO", "action": "connection.opened", "function": "connect",
        "tenant_id": "acme", "user_id": "ada",
    }  # fmt: skip
    assert (line["aws_request_id"], line["correlation_id"], line["connection_id"]) == (
        "6f6cbb8e", "TXzPWFkkjoEF92g=", CONNECTION_ID,
    )  # fmt: skip
    assert isinstance(line["duration_ms"], float)


@pytest.mark.parametrize(
    ("token", "reason"),
    [(None, "missing_token"), ("a.b.c", "malformed_token"), ("expired", "expired")],
)
def test_unauthorized(
    bench: Bench, sign: Callable[..., str], capsys: pytest.CaptureFixture[str], token: str | None, reason: str
) -> None:
    """A bad token is 401 with a code and no reason; the log has the reason; nothing is stored."""
    response = bench.connect(sign(expires_in_s=-60) if token == "expired" else token)
    assert response["statusCode"] == 401
    assert json.loads(response["body"]) == {
        "message": "The token was not accepted; connect with a valid one.",
        "code": "UNAUTHORIZED",
    }
    (line,) = [line for line in logged(capsys) if line["action"] == "auth.refused"]
    assert (line["reason"], line["connection_id"]) == (reason, CONNECTION_ID)
    with pytest.raises(NotFound):
        bench.services.connections.get(CONNECTION_ID)


def test_forbidden(pair: Any, sign: Callable[..., str]) -> None:
    """A tenant that may not connect here is 403."""
    response = Bench(pair[1], allowed_tenants="globex").connect(sign())
    assert response["statusCode"] == 403
    assert json.loads(response["body"])["code"] == "FORBIDDEN"


class BrokenStore:
    def put(self, connection: object) -> None:
        raise ServiceUnavailable("The table streamer-connections does not answer.")


def test_failure_of_ours(pair: Any, sign: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    """Where we fail it is 500, which says nothing about how; the log has the traceback."""
    it = Bench(pair[1])
    it.services.connections = BrokenStore()  # type: ignore[assignment]
    it.handler = connect.build(it.services)
    response = it.connect(sign())
    assert response["statusCode"] == 500
    assert json.loads(response["body"]) == {
        "message": "The connection could not be opened just now; connect again.",
        "code": "INTERNAL_ERROR",
    }
    line = logged(capsys)[-1]
    assert (line["level"], line["error_type"]) == ("ERROR", "ServiceUnavailable")
    assert "BrokenStore" in line["stack_trace"] or "in put" in line["stack_trace"]


@pytest.mark.parametrize("text", ["no key set", '{"keys": []}'])
def test_broken_key_set(pair: Any, sign: Callable[..., str], text: str) -> None:
    """Keys that cannot be read are our failure, not the client's: 500, and 200 once they can be."""
    it = Bench(pair[1])
    good, it.secrets.text = it.secrets.text, text
    it.handler = connect.build(it.services.__class__(
        it.services.settings, function="connect", clock=it.services.clock, make_client=it.services.client
    ))  # fmt: skip
    assert it.connect(sign())["statusCode"] == 500
    it.secrets.text = good
    assert it.connect(sign())["statusCode"] == 200


@pytest.mark.parametrize(
    ("offered", "echoed"),
    [
        ("streamer.v1", True),
        ("graphql-ws, streamer.v1", True),
        ("graphql-ws,streamer.v1 ,other", True),
        ("graphql-ws", False),
        ("streamer.v10", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("header", ["Sec_WebSocket_Protocol", "sec_websocket_protocol"])
def test_subprotocol(bench: Bench, sign: Callable[..., str], header: str, offered: str, echoed: bool) -> None:
    """Our subprotocol is echoed if the client offers it, and only then."""
    response = bench.connect(sign(), **{header: offered})
    assert response.get("headers") == ({"Sec-WebSocket-Protocol": "streamer.v1"} if echoed else None)


def test_import_needs_no_environment() -> None:
    """Importing the module builds nothing; asking for `handler` without settings names what is missing."""
    with pytest.raises(KeyError, match="STREAMER_CONNECTIONS_TABLE"):
        _ = connect.handler
    with pytest.raises(AttributeError):
        _ = connect.other
