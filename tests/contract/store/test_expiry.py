"""The promises of `ExpiryStore`, on every implementation of its seam."""

from typing import Any

import pytest

from streamer.store import CONNECTION_TTL_S, REQUEST_TTL_S, Connection, ExpiryStore, RequestKey


@pytest.fixture
def expiry(engine: Any, settings: Any, clock: Any) -> ExpiryStore:
    return ExpiryStore(engine, settings, clock)


def end(requests: Any, key: RequestKey) -> None:
    """Complete a request and deliver it."""
    claim = requests.claim(key, owner="o", lease_until=9e12)
    requests.complete(claim, result=1, sequence=claim.first_sequence)


def test_what_has_expired_is_deleted(expiry: ExpiryStore, create: Any, stores: Any, clock: Any) -> None:
    """All items of a request, its subscriptions, and old connections; nothing that is still wanted."""
    keys = [RequestKey("demo", "ann", f"r-{number}") for number in range(12)]
    for key in keys:
        create(key=key)
    for key in keys[:8]:
        end(stores.requests, key)
    stores.connections.put(_connection("old=", clock.now()))
    clock.advance(REQUEST_TTL_S + 1)
    stores.connections.put(_connection("new=", clock.now()))
    deleted = sum(expiry.delete_expired(segment=n, segments=3, limit=100) for n in range(3))
    requests = 8 * 3  # STATE, PAYLOAD and RESULT
    counter = 1
    assert deleted == requests + counter + len(keys) + 1
    assert expiry.delete_expired(limit=100) == 0
    assert [stores.requests.find(key) is not None for key in keys] == [False] * 8 + [True] * 4
    assert stores.connections.find("new=") is not None


def test_so_many_at_once_at_most(expiry: ExpiryStore, stores: Any, clock: Any) -> None:
    """What is over the limit is left for the next time."""
    for number in range(5):
        stores.connections.put(_connection(f"c{number}=", clock.now()))
    clock.advance(CONNECTION_TTL_S + 1)
    assert [expiry.delete_expired(limit=2) for _ in range(4)] == [2, 2, 1, 0]


def _connection(connection_id: str, now: float) -> Connection:
    return Connection(
        connection_id=connection_id,
        tenant_id="demo",
        user_id="ann",
        permissions=[],
        endpoint="https://127.0.0.1:4444/local",
        token_expires_at=now + 60,
        connected_at=now,
    )
