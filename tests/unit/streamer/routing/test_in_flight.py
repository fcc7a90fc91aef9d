"""How many long requests a user may have in flight, as its client sees it."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from streamer.dynamorm import AccessDenied, Database, Throttled
from streamer.dynamorm.operations.retries import Retrier
from streamer.errors import Superseded
from streamer.lifecycle import Status
from streamer.protocol import Acknowledgment, Error, Message
from streamer.routing.router import Arrival, Router
from streamer.settings import Settings
from streamer.store import Connection, RequestKey, RequestStore
from streamer.store.models import Counter, user_key
from streamer.testing import make_settings


@pytest.fixture
def settings() -> Settings:
    """A deployment that lets a user have one long request in flight."""
    return make_settings(action_modules="streamer.actions,streamer.testing", max_in_flight_per_user=1)


def send(router: Router, caller: Connection, request_id: str, **message: Any) -> Message:
    body = json.dumps({"action": "noop", "id": request_id, **message})
    return router.answer(Arrival(body, caller.connection_id, f"correlation-{request_id}"), caller)


def test_one_too_many_is_told_when_to_come_again(
    router: Router, caller: Connection, requests: RequestStore
) -> None:
    """RATE_LIMITED says after how many seconds; the one before goes on, and makes room when it ends."""
    assert isinstance(send(router, caller, "r1"), Acknowledgment)
    refused = send(router, caller, "r2")
    assert isinstance(refused, Error)
    assert (refused.error.code, refused.request_id) == ("RATE_LIMITED", "r2")
    assert refused.error.retry is not None
    assert refused.error.retry.retryable
    assert (refused.error.retry.after_s or 0) > 0
    requests.cancel(RequestKey("acme", "ada", "r1"))
    assert isinstance(send(router, caller, "r2"), Acknowledgment)


def test_short_work_and_the_same_request_are_never_refused(router: Router, caller: Connection) -> None:
    """What is answered at once is not in flight; what is known is no further request."""
    send(router, caller, "r1")
    assert isinstance(send(router, caller, "r1"), Acknowledgment)
    assert not isinstance(send(router, caller, "r3", action="echo"), Error)


def test_a_counter_that_cannot_be_written_holds_up_no_outcome(
    requests: RequestStore, router: Router, caller: Connection, monkeypatch: pytest.MonkeyPatch, database: Any
) -> None:
    """The end of a request is told; the sweeper puts the counter right."""
    send(router, caller, "r1")
    key = RequestKey("acme", "ada", "r1")
    claim = requests.claim(key, owner="o", lease_until=2e9)
    write = database.write

    def throttled(request: Any) -> Any:
        if request.key.model is Counter:
            raise Throttled("The table is throttled; try again later.")
        return write(request)

    monkeypatch.setattr(database, "write", throttled)
    monkeypatch.setattr(Retrier, "pause", lambda *_, **__: None)  # the attempts are used up
    assert requests.complete(claim, result=1, sequence=1).status is Status.COMPLETED
    assert requests.complete(claim, result=1, sequence=1).status is Status.COMPLETED, "again is once"
    with pytest.raises(Superseded):
        requests.fail(claim, code="X", message="m", details=None, sequence=2)


def test_a_counter_that_hangs_holds_up_no_outcome(
    requests: RequestStore,
    router: Router,
    caller: Connection,
    monkeypatch: pytest.MonkeyPatch,
    database: Any,
    clock: Any,
) -> None:
    """The end of a request is told while its counter is still being written; it is written nonetheless."""
    send(router, caller, "r1")
    claim = requests.claim(RequestKey("acme", "ada", "r1"), owner="o", lease_until=2e9)
    write, answered = database.write, Event()

    def hanging(request: Any) -> Any:
        if request.key.model is Counter:
            answered.wait()
        return write(request)

    monkeypatch.setattr(database, "write", hanging)
    with ThreadPoolExecutor() as executor:
        ended = executor.submit(requests.complete, claim, result=1, sequence=1)
        try:
            assert ended.result(timeout=10).status is Status.COMPLETED
        finally:
            answered.set()
    requests.close()
    counter = Database(database, now=clock.now).get(Counter.at(name=user_key("acme", "ada")))
    assert counter.in_flight == 0


def test_a_counter_that_must_not_be_written_holds_up_no_outcome(
    requests: RequestStore,
    router: Router,
    caller: Connection,
    monkeypatch: pytest.MonkeyPatch,
    database: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also a fault that stays is told in the log, and to nobody else."""
    send(router, caller, "r1")
    claim = requests.claim(RequestKey("acme", "ada", "r1"), owner="o", lease_until=2e9)
    write = database.write

    def forbidden(request: Any) -> Any:
        if request.key.model is Counter:
            raise AccessDenied("The credentials may not do this with counters; mend the role.")
        return write(request)

    monkeypatch.setattr(database, "write", forbidden)
    with caplog.at_level(logging.WARNING):
        assert requests.complete(claim, result=1, sequence=1).status is Status.COMPLETED
    assert [vars(record)["action"] for record in caplog.records] == ["counter.waits"]
