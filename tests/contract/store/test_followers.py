"""Who ends a request knows without a look whether only the connection that it came from follows it."""

from typing import Any

import pytest

from streamer.lifecycle import TERMINAL
from streamer.store import CONNECTION_TTL_S, Claim, RequestKey, RequestState
from streamer.store.models import Follower

ENDPOINT = "https://127.0.0.1:4444/local"
CREATOR = Follower("socket-1=", ENDPOINT)

ENDS = {
    "complete": lambda store, held: store.complete(held, result=1, sequence=2),
    "fail": lambda store, held: store.fail(held, code="X", message="x", details=None, sequence=2),
    "cancelled": lambda store, held: store.cancelled(held, sequence=2),
    "give up": lambda store, held: store.give_up(held.key, state=held.state, code="X", message="x"),
}

FOLLOWING = {
    "subscribe": lambda stores, create, key: stores.subscriptions.subscribe(key, "socket-2=", ENDPOINT),
    "the same request": lambda stores, create, key: create(connection_id="socket-2="),
}


def claimed(requests: Any, key: RequestKey) -> Claim:
    claim: Claim = requests.claim(key, owner="a", lease_until=9e9)
    return claim


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_one_that_nobody_else_follows(
    create: Any, requests: Any, key: RequestKey, clock: Any, end: Any
) -> None:
    """Its end names the connection that it came from; so does whoever reads it later."""
    create()
    ended = end(requests, claimed(requests, key))
    assert ended.find_only_follower(clock.now()) == CREATOR
    assert requests.get(key).find_only_follower(clock.now()) == CREATOR


@pytest.mark.parametrize("follow", FOLLOWING.values(), ids=FOLLOWING.keys())
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_one_that_is_followed_since_its_claim(
    create: Any, stores: Any, key: RequestKey, clock: Any, end: Any, follow: Any
) -> None:
    """Its end is written all the same, once, and says that there are others."""
    create()
    held = claimed(stores.requests, key)
    follow(stores, create, key)
    ended = end(stores.requests, held)
    assert ended.status in TERMINAL
    assert ended.find_only_follower(clock.now()) is None
    assert stores.requests.get(key).outcome_sequence == ended.outcome_sequence


@pytest.mark.parametrize("follow", FOLLOWING.values(), ids=FOLLOWING.keys())
def test_one_that_is_followed_while_it_waits(
    create: Any, stores: Any, key: RequestKey, clock: Any, follow: Any
) -> None:
    """The claim knows it already."""
    create()
    follow(stores, create, key)
    held = claimed(stores.requests, key)
    assert held.state.find_only_follower(clock.now()) is None
    assert stores.requests.complete(held, result=1, sequence=2).followed


def test_its_own_connection_is_nobody_else(create: Any, stores: Any, key: RequestKey, clock: Any) -> None:
    """Who asks again where it asked before changes nothing."""
    create()
    create()
    stores.subscriptions.subscribe(key, "socket-1=", ENDPOINT)
    assert stores.requests.get(key).find_only_follower(clock.now()) == CREATOR


def test_an_old_connection_is_looked_for(create: Any, requests: Any, key: RequestKey, clock: Any) -> None:
    """After two hours API Gateway has ended it, and its subscription expires."""
    create()
    clock.advance(CONNECTION_TTL_S)
    assert requests.get(key).find_only_follower(clock.now()) is None


def test_an_outcome_that_is_written_twice(create: Any, stores: Any, key: RequestKey, clock: Any) -> None:
    """Also the answer to the repetition says who follows."""
    create()
    held = claimed(stores.requests, key)
    stores.subscriptions.subscribe(key, "socket-2=", ENDPOINT)
    stores.requests.complete(held, result=1, sequence=2)
    assert stores.requests.complete(held, result=1, sequence=2).followed


def test_one_that_runs_again(create: Any, stores: Any, key: RequestKey, clock: Any) -> None:
    """Who began to follow it when it was over is told its new outcome, too."""
    create()
    stores.requests.fail(claimed(stores.requests, key), code="X", message="x", details=None, sequence=2)
    stores.subscriptions.subscribe(key, "socket-2=", ENDPOINT)
    stores.requests.replay(key)
    ended = stores.requests.complete(claimed(stores.requests, key), result=1, sequence=4)
    assert ended.find_only_follower(clock.now()) is None
    assert stores.requests.get(key).find_only_follower(clock.now()) is None


def test_nothing_falls_between(create: Any, stores: Any, clock: Any, race: Any) -> None:
    """Who subscribes while a request ends is told by its end, or reads that it is over."""
    for number in range(8):
        key = RequestKey("demo", "ann", f"race-{number}")
        create(key=key)
        held = claimed(stores.requests, key)

        def subscribe(key: RequestKey = key) -> RequestState:
            stores.subscriptions.subscribe(key, "socket-2=", ENDPOINT)
            state: RequestState = stores.requests.get(key)
            return state

        ended, read = race(
            lambda held=held: stores.requests.complete(held, result=1, sequence=2),
            subscribe,
        )
        assert ended.find_only_follower(clock.now()) is None or read.status in TERMINAL
