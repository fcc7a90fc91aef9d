"""The promises of `SubscriptionStore` and `ConnectionStore`, on every implementation of their seam."""

from typing import Any

import pytest

from streamer.dynamorm import Attribute, Model, Put
from streamer.errors import NotFound
from streamer.store import CONNECTION_TTL_S, SUBSCRIPTIONS, Connection, RequestKey

ENDPOINT = "https://127.0.0.1:4444/local"


@pytest.fixture
def connection(clock: Any) -> Connection:
    return Connection(
        connection_id="L0SM9cOFvHcCIhw=",
        tenant_id="demo",
        user_id="ann",
        permissions=["reports:read", "reports:write"],
        endpoint=ENDPOINT,
        token_expires_at=clock.now() + 3600,
        connected_at=clock.now(),
    )


def test_subscribers_are_listed(stores: Any, key: RequestKey) -> None:
    """Every subscriber is listed once, whatever it subscribed before."""
    for connection_id in ("a=", "b=", "a="):
        stores.subscriptions.subscribe(key, connection_id, ENDPOINT)
    stores.subscriptions.subscribe(RequestKey("demo", "ann", "r-2"), "c=", ENDPOINT)
    rows = stores.subscriptions.list(key)
    assert [(row.connection_id, row.endpoint) for row in rows] == [("a=", ENDPOINT), ("b=", ENDPOINT)]


def test_more_subscribers_than_a_page_are_listed(stores: Any, key: RequestKey) -> None:
    """The list follows pages."""
    wanted = {f"socket-{number:03}=" for number in range(120)}
    for connection_id in wanted:
        stores.subscriptions.subscribe(key, connection_id, ENDPOINT)
    assert {row.connection_id for row in stores.subscriptions.list(key)} == wanted


def test_delete_ends_one_subscription(stores: Any, key: RequestKey) -> None:
    """Deleting is idempotent and leaves others alone."""
    for connection_id in ("a=", "b="):
        stores.subscriptions.subscribe(key, connection_id, ENDPOINT)
    stores.subscriptions.delete(key, "a=")
    stores.subscriptions.delete(key, "a=")
    assert [row.connection_id for row in stores.subscriptions.list(key)] == ["b="]


def test_a_connection_that_is_gone_is_subscribed_to_nothing(stores: Any, key: RequestKey) -> None:
    """What it is subscribed to is listed and deleted; others stay."""
    other = RequestKey("demo#1", "ann%", "r-2")
    for request in (key, other):
        for connection_id in ("a=", "b="):
            stores.subscriptions.subscribe(request, connection_id, ENDPOINT)
    for connection_id in ("a=", "unknown="):
        stores.subscriptions.delete_many(stores.subscriptions.list_requests(connection_id), connection_id)
    for request in (key, other):
        assert [row.connection_id for row in stores.subscriptions.list(request)] == ["b="]


def test_hundreds_of_subscriptions_end(stores: Any) -> None:
    """However many there are, all go, in batches."""
    keys = [RequestKey("demo", "ann", f"r-{number}") for number in range(130)]
    for key in keys:
        stores.subscriptions.subscribe(key, "a=", ENDPOINT)
    assert {key.request_id for key in stores.subscriptions.list_requests("a=")} == {
        key.request_id for key in keys
    }
    stores.subscriptions.delete_many(keys, "a=")
    assert stores.subscriptions.list_requests("a=") == []


def test_only_what_ends_with_the_connection_is_listed_so(stores: Any, create: Any) -> None:
    """Requests that did not ask for it, that another connection asked for, or that are over, go on."""
    keys = {name: RequestKey("demo", "ann", name) for name in ("mine", "free", "other", "over", "gone")}
    create(key=keys["mine"], connection_id="a=", cancel_on_disconnect=True)
    create(key=keys["free"], connection_id="a=")
    create(key=keys["other"], connection_id="b=", cancel_on_disconnect=True)
    create(key=keys["over"], connection_id="a=", cancel_on_disconnect=True)
    stores.requests.cancel(keys["over"])
    found = stores.requests.list_ending_with("a=", keys.values())
    assert [state.request_id for state in found] == ["mine"]


def test_an_expired_subscription_is_absent(stores: Any, key: RequestKey) -> None:
    """A row that outlived its connection counts as absent before TTL deletes it."""
    stores.subscriptions.subscribe(key, "a=", ENDPOINT)
    stores.clock.advance(CONNECTION_TTL_S)
    assert stores.subscriptions.list(key) == []


def test_a_connection_is_what_was_put(stores: Any, connection: Connection) -> None:
    """What is put is what is got, with the time at which it expires."""
    stores.connections.put(connection)
    found = stores.connections.get(connection.connection_id)
    assert found == connection.replace(expires_at=int(connection.connected_at) + CONNECTION_TTL_S)


def test_a_connection_without_permissions(stores: Any, connection: Connection) -> None:
    """An identity without permissions is stored as such."""
    stores.connections.put(connection.replace(permissions=[]))
    assert stores.connections.get(connection.connection_id).permissions == []


def test_an_expired_or_deleted_connection_is_absent(stores: Any, connection: Connection) -> None:
    """A connection is found until it is deleted or its time is over."""
    stores.connections.put(connection)
    stores.clock.advance(CONNECTION_TTL_S + 1)
    assert stores.connections.find(connection.connection_id) is None
    stores.connections.put(connection.replace(connected_at=stores.clock.now()))
    assert stores.connections.find(connection.connection_id) is not None
    stores.connections.delete(connection.connection_id)
    stores.connections.delete(connection.connection_id)
    with pytest.raises(NotFound):
        stores.connections.get(connection.connection_id)


def test_connections_are_listed_by_tenant_and_user(stores: Any, connection: Connection) -> None:
    """All connections of a tenant or of one of its users are listed, and nobody else's."""
    for connection_id, tenant, user in (
        ("a=", "demo", "ann"),
        ("b=", "demo", "ann"),
        ("c=", "demo", "ben"),
        ("d=", "other", "ann"),
    ):
        stores.connections.put(
            connection.replace(connection_id=connection_id, tenant_id=tenant, user_id=user)
        )

    def ids(rows: Any) -> set[str]:
        return {row.connection_id for row in rows}

    assert ids(stores.connections.list_for_tenant("demo")) == {"a=", "b=", "c="}
    assert ids(stores.connections.list_for_user("demo", "ann")) == {"a=", "b="}
    assert ids(stores.connections.list_for_user("demo", "an")) == set()
    stores.connections.delete("a=")
    assert ids(stores.connections.list_for_user("demo", "ann")) == {"b="}
    token_expires_at = stores.clock.now() + 2 * CONNECTION_TTL_S
    stores.connections.put(connection.replace(connection_id="e=", token_expires_at=token_expires_at))
    stores.clock.advance(CONNECTION_TTL_S - 1)
    assert ids(stores.connections.list_for_tenant("demo")) == {"e="}
    stores.clock.advance(2)
    assert ids(stores.connections.list_for_tenant("demo")) == set()


def test_connections_are_listed_as_long_as_their_tokens(stores: Any, connection: Connection) -> None:
    """Whose token has ended gets nothing that is for a tenant or a user, while its connection is open too."""
    until = connection.token_expires_at
    stores.connections.put(connection)
    stores.connections.put(connection.replace(connection_id="later=", token_expires_at=until + 1))
    stores.clock.advance(until - stores.clock.now())
    for listed in (
        stores.connections.list_for_tenant("demo"),
        stores.connections.list_for_user("demo", "ann"),
    ):
        assert [each.connection_id for each in listed] == ["later="]


class BrokenRow(
    Model, table=SUBSCRIPTIONS, partition="REQUEST#{tenant}#{user}#{request}", sort="CONNECTION#b="
):
    """What stands where a subscription should, and is none."""

    tenant: Attribute[str]
    user: Attribute[str]
    request: Attribute[str]


def test_a_row_that_cannot_be_read_costs_the_others_nothing(stores: Any, key: RequestKey) -> None:
    """A broken row is passed over: every other subscriber still gets its outcome."""
    stores.database.write(Put(BrokenRow(tenant=key.tenant_id, user=key.user_id, request=key.request_id)))
    for connection_id in ("a=", "c="):
        stores.subscriptions.subscribe(key, connection_id, ENDPOINT)
    assert [row.connection_id for row in stores.subscriptions.list(key)] == ["a=", "c="]
