"""When the verification keys are fetched, and what happens when they cannot be."""

import json
from typing import Any

import pytest

from streamer.auth.key_ring import KeyRing
from streamer.errors import InvalidKeySet, ServiceUnavailable, Unauthorized


@pytest.fixture
def ring(secret: Any, clock: Any, logger: Any) -> KeyRing:
    return KeyRing(secret.fetch, clock, logger)


def test_cached(ring: KeyRing, secret: Any, clock: Any) -> None:
    """Within five minutes the keys are fetched once, after them again."""
    for _ in range(3):
        assert ring.find("first") is not None
    clock.time += 299.9
    ring.find("first")
    assert secret.reads == 1
    clock.time += 0.1
    ring.find("first")
    assert secret.reads == 2


def test_rotation(new_authenticator: Any, issuer: Any, other_issuer: Any, secret: Any, clock: Any) -> None:
    """A token of a key that was added a moment ago is accepted, and tokens of the old one go on working."""
    authenticator = new_authenticator()
    authenticator.authenticate(issuer.sign())
    clock.time += 10
    secret.text = json.dumps({"keys": [*issuer.public["keys"], *other_issuer.public["keys"]]})
    assert authenticator.authenticate(other_issuer.sign()).user_id == "ada"
    assert authenticator.authenticate(issuer.sign()).user_id == "ada"
    assert secret.reads == 2


def test_withdrawn_key(
    new_authenticator: Any, issuer: Any, other_issuer: Any, secret: Any, clock: Any
) -> None:
    """A key that was removed stops working when the keys are five minutes old."""
    authenticator = new_authenticator()
    authenticator.authenticate(issuer.sign())
    secret.text = json.dumps(other_issuer.public)
    clock.time += 300
    with pytest.raises(Unauthorized):
        authenticator.authenticate(issuer.sign())


def test_invented_names_are_rate_limited(ring: KeyRing, secret: Any, clock: Any) -> None:
    """Any number of unknown names costs one fetch in ten seconds."""
    ring.find("first")
    for number in range(50):
        assert ring.find(f"invented-{number}") is None
    assert secret.reads == 1
    clock.time += 10
    for number in range(50):
        assert ring.find(f"invented-{number}") is None
    assert secret.reads == 2


def test_first_fetch_fails(ring: KeyRing, secret: Any, lines: Any) -> None:
    """Without any keys a failing fetch is an error of ours, and the next token tries again."""
    secret.failure = ServiceUnavailable("Nobody is there; try again.")
    with pytest.raises(ServiceUnavailable):
        ring.find("first")
    secret.failure = None
    assert ring.find("first") is not None
    assert lines.facts("action") == ["auth.keys_not_fetched", "auth.keys_fetched"]


def test_old_keys_bridge_an_outage(ring: KeyRing, secret: Any, clock: Any) -> None:
    """While fetching fails the old keys serve for fifteen minutes, with a try every ten seconds."""
    ring.find("first")
    secret.failure = ServiceUnavailable("Nobody is there; try again.")
    clock.time += 300
    for _ in range(5):
        assert ring.find("first") is not None
    assert secret.reads == 2
    clock.time += 599
    assert ring.find("first") is not None
    clock.time += 1
    with pytest.raises(ServiceUnavailable):
        ring.find("first")


def test_broken_secret(ring: KeyRing, secret: Any, clock: Any) -> None:
    """A secret that became no key set leaves the old keys working, and is an error where there are none."""
    ring.find("first")
    secret.text = "oops"
    clock.time += 300
    assert ring.find("first") is not None
    clock.time += 600
    with pytest.raises(InvalidKeySet):
        ring.find("first")


def test_prefetch(ring: KeyRing, secret: Any) -> None:
    """Keys fetched ahead are not fetched again; a failure ahead of need is left to the first token."""
    secret.failure = ServiceUnavailable("Nobody is there; try again.")
    ring.prefetch()
    secret.failure = None
    ring.prefetch()
    assert ring.find("first") is not None
    assert secret.reads == 2
