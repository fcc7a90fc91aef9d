"""What the parts of an environment are, and that each is made once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from botocore.session import Session

from streamer.auth.secret import SecretSource
from streamer.connections.retries import Reply
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.errors import ServiceUnavailable
from streamer.lambdas.clients import client_factory
from streamer.lambdas.services import Services
from streamer.settings import Settings
from streamer.store import Connection, RequestKey

NAMES = (
    "connections_table",
    "requests_table",
    "subscriptions_table",
    "counters_table",
    "records_table",
    "bucket",
    "executor_function",
    "jwt_keys_secret",
)
SETTINGS = Settings(**{name: name for name in NAMES})  # type: ignore[arg-type]


def session() -> Session:
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    session.set_config_variable("region", "us-east-1")
    return session


def test_from_environment() -> None:
    """The variables of a function give its settings; one that is missing is named."""
    environment = SETTINGS.to_environment()
    assert Services.from_environment(environment, function="router").settings == SETTINGS
    del environment["STREAMER_BUCKET"]
    with pytest.raises(KeyError, match="STREAMER_BUCKET"):
        Services.from_environment(environment, function="router")


def test_made_once() -> None:
    """Each part and each client is made once, also when threads ask at the same time."""
    made: list[str] = []
    together = threading.Barrier(4, timeout=10)

    def make(name: str) -> MemoryDynamoDB:
        made.append(name)
        return MemoryDynamoDB()

    services = Services(SETTINGS, function="router", make_client=make)
    assert made == []
    _ = services.connections, services.subscriptions, services.requests, services.connections

    def ask() -> Any:
        together.wait()
        return services.client("lambda")

    with ThreadPoolExecutor(4) as pool:
        clients = [future.result() for future in [pool.submit(ask) for _ in range(4)]]
    assert len({id(client) for client in clients}) == 1
    assert made == ["dynamodb", "lambda"]


class Gone:
    """A transport to connections that are all gone."""

    def post(self, endpoint: str, connection_id: str, data: bytes) -> Reply:
        return Reply(410)

    delete = post


def test_gone_connections_are_forgotten() -> None:
    """A message to a connection that is gone removes it and its subscriptions."""
    engine = MemoryDynamoDB()
    services = Services(SETTINGS, function="executor", make_client=lambda name: engine)
    services.transport = Gone()  # type: ignore[assignment]
    now, key = services.clock.now(), RequestKey("acme", "ada", "r1")
    services.connections.put(
        Connection(
            connection_id="c1", tenant_id="acme", user_id="ada", permissions=["a"], endpoint="https://x/y",
            token_expires_at=now, connected_at=now,
        )
    )  # fmt: skip
    services.subscriptions.subscribe(key, "c1", "https://x/y")
    assert services.sender.send_many(services.subscriptions.list(key), b"x") == ["gone"]
    assert services.connections.find("c1") is None
    assert services.subscriptions.list(key) == []


@pytest.mark.parametrize("service", ["dynamodb", "secretsmanager", "lambda", "s3"])
def test_clients(service: str) -> None:
    """Clients time out within seconds, retry by botocore's standard mode, and keep enough connections."""
    client = client_factory(session())(service)
    config = client.meta.config
    assert client.meta.service_model.service_name == service
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (2.0, 10.0, 16)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}


def test_dynamodbs_client_writes_requests_without_a_look_at_them() -> None:
    """Parameters are not validated for DynamoDB, whose requests DynamORM makes; elsewhere they are."""
    make = client_factory(session())
    answer = (SimpleNamespace(status_code=200), {})
    dynamodb, functions = make("dynamodb"), make("lambda")
    dynamodb.meta.events.register("before-call", lambda **_: answer)
    assert dynamodb.query(TableName="t", Limit="many") == {}
    with pytest.raises(ParamValidationError):
        functions.list_functions(MaxItems="many")


def test_many_clients_of_one_session() -> None:
    """One session makes any client in any order, S3's with boto3's transfer methods."""
    make = client_factory(session())
    made = [make(service) for service in ("sqs", "s3", "dynamodb", "s3", "cloudwatch")]
    assert hasattr(made[1], "download_file")
    assert (
        made[1]
        .generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        .count("X-Amz-Signature")
    )
    with pytest.raises(Exception, match="no-such-service"):
        make("no-such-service")


class Secrets:
    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803  # boto3's name
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    "outcome",
    [
        ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "?"}}, "GetSecretValue"),
        EndpointConnectionError(endpoint_url="https://x"),
        {"SecretBinary": b"x"},
    ],
    ids=["absent", "unreachable", "binary"],
)
def test_secret_out_of_reach(outcome: Any) -> None:
    """A secret that cannot be read is ServiceUnavailable and says which one."""
    with pytest.raises(ServiceUnavailable, match="the-keys"):
        SecretSource(Secrets(outcome), "the-keys").fetch()
    assert SecretSource(Secrets({"SecretString": "text"}), "the-keys").fetch() == "text"
