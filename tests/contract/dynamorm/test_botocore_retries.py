"""DynamORM's retries and botocore's add up to one budget; they never multiply."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from streamer.dynamorm import (
    Attribute,
    Backoff,
    Database,
    KeyAttribute,
    Model,
    Put,
    Retry,
    Table,
    Throttled,
    Unavailable,
    attribute,
)
from streamer.dynamorm.aws import DynamoDB

THINGS = Table("things", KeyAttribute("id"))


class Thing(Model, table=THINGS):
    id: Attribute[str]
    count: Attribute[int] = attribute(default=0)


class Service:
    """A DynamoDB that refuses a number of requests and counts all."""

    def __init__(self) -> None:
        self.requests = 0
        self.refuse = 0
        self.status, self.code = 400, "ProvisionedThroughputExceededException"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                service.requests += 1
                refused = service.requests <= service.refuse
                answer = {"__type": f"x#{service.code}", "message": "no"} if refused else {}
                body = json.dumps(answer).encode()
                self.send_response(service.status if refused else 200)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def connect(service: Service) -> Iterator[Any]:
    clients = []

    def call(botocore_attempts: int, attempts: int) -> tuple[Database, list[Retry]]:
        client = boto3.client(
            "dynamodb",
            endpoint_url=f"http://127.0.0.1:{service.server.server_address[1]}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": botocore_attempts, "mode": "standard"}, proxies={}),
        )
        clients.append(client)
        retries: list[Retry] = []
        backoff = Backoff(attempts=attempts, base_s=0.0)
        return Database(DynamoDB(client), throttling=backoff, on_retry=retries.append), retries

    yield call
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("botocore_attempts", "attempts", "sent"),
    [(1, 1, 1), (1, 4, 4), (2, 1, 2), (2, 2, 2), (2, 3, 4)],
    ids=["none retries", "ours", "botocore's", "botocore's reach", "both add up"],
)
def test_attempts_add_up(
    service: Service, connect: Any, botocore_attempts: int, attempts: int, sent: int
) -> None:
    """The budget counts every request that was sent, and the error tells how many."""
    service.refuse = 1000
    database, retries = connect(botocore_attempts, attempts)
    with pytest.raises(Throttled) as caught:
        database.find(Thing.at(id="a"))
    assert service.requests == sent
    assert caught.value.attempts == sent
    assert len(retries) == sent // botocore_attempts - 1
    assert [retry.attempts for retry in retries] == [*range(botocore_attempts, sent, botocore_attempts)]


def test_a_throttled_write_is_made_again(service: Service, connect: Any) -> None:
    """Nothing of it was written, so it is safe, whatever its condition."""
    service.refuse = 2
    database, retries = connect(1, 5)
    database.create(Thing(id="a"))
    assert service.requests == 3
    assert [(retry.operation, type(retry.error)) for retry in retries] == [("Put", Throttled)] * 2


@pytest.mark.parametrize(
    ("write", "sent"),
    [
        (lambda database: database.find(Thing.at(id="a")), 3),
        (lambda database: database.write(Put(Thing(id="a"))), 3),
        (lambda database: database.transact(Put(Thing(id="a"))), 3),
        (lambda database: database.create(Thing(id="a")), 1),
        (lambda database: database.update(Thing.at(id="a"), Thing.count.increment()), 1),
    ],
    ids=["read", "put", "transaction", "create", "update"],
)
def test_an_unknown_outcome_is_repeated_only_where_that_is_safe(
    service: Service, connect: Any, write: Any, sent: int
) -> None:
    """A write that may have happened is not made twice by us, if the second could be refused or add up."""
    service.refuse, service.status, service.code = 1000, 500, "InternalServerError"
    database, _ = connect(1, 3)
    with pytest.raises(Unavailable) as caught:
        write(database)
    assert service.requests == caught.value.attempts == sent


def test_an_address_where_nobody_answers(service: Service, connect: Any) -> None:
    """botocore doesn't say how often it tried; what it is configured to counts."""
    database, retries = connect(2, 2)
    service.server.server_close()
    with pytest.raises(Unavailable) as caught:
        database.find(Thing.at(id="a"))
    assert caught.value.attempts == 2
    assert retries == []
