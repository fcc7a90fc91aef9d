"""Which keys of a JSON Web Key Set are used, and for what."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from streamer.auth.keys import Algorithm, parse_key_set
from streamer.errors import InvalidKeySet


def oct_key(length: int = 32, **changes: Any) -> dict[str, Any]:
    secret = base64.urlsafe_b64encode(b"s" * length).rstrip(b"=").decode()
    return {"kty": "oct", "kid": "shared", "alg": "HS256", "k": secret} | changes


def test_bound_to_its_algorithm(issuer: Any) -> None:
    """Each key has the one algorithm that it names."""
    keys = parse_key_set(json.dumps({"keys": [*issuer.public["keys"], oct_key()]}))
    first, shared = keys.find("first"), keys.find("shared")
    assert first is not None
    assert shared is not None
    assert (first.algorithm, shared.algorithm) == (Algorithm.RS256, Algorithm.HS256)
    assert keys.find(None) is None
    assert keys.ignored == 0


def test_private_half_is_not_read(issuer: Any) -> None:
    """A private key in the set gives its public half only."""
    key = parse_key_set(json.dumps({"keys": [issuer.private]})).find("first")
    assert key is not None
    assert isinstance(key.material, RSAPublicKey)
    assert not isinstance(key.material, RSAPrivateKey)


def test_secret_is_not_shown() -> None:
    """The secret of a key is not in its `repr`."""
    keys = parse_key_set(json.dumps({"keys": [oct_key()]}))
    assert "sss" not in repr(keys)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": None}, {"alg": "HS512"}, {"alg": "RS256"}, {"kty": "RSA"}, {"kty": "EC"}, {"use": "enc"},
        {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"kid": 7}, {"kid": None}, {"k": None}, {"k": "é"},
        {"k": 7}, {"k": "c2hvcnQ"}, {"kid": "first"},
    ],
    ids=str,
)  # fmt: skip
def test_unusable_key_is_left_out(issuer: Any, changes: dict[str, Any]) -> None:
    """A key that cannot be used, or whose name is taken, is left out, and the others work."""
    keys = parse_key_set(json.dumps({"keys": [*issuer.public["keys"], oct_key(**changes)]}))
    assert set(keys.keys) == {"first"}
    assert keys.ignored == 1
    first = keys.find("first")
    assert first is not None
    assert first.algorithm is Algorithm.RS256


def test_short_rsa_key_is_left_out() -> None:
    """An RSA key of fewer than 2048 bits is not used."""
    private = generate_private_key(public_exponent=65_537, key_size=1024)
    short = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": "short", "alg": "RS256"}
    with pytest.raises(InvalidKeySet):
        parse_key_set(json.dumps({"keys": [short]}))


def test_nameless_keys_need_to_be_alone(issuer: Any) -> None:
    """Of several keys those without a name are not used."""
    nameless = oct_key()
    del nameless["kid"]
    keys = parse_key_set(json.dumps({"keys": [nameless, *issuer.public["keys"]]}))
    assert set(keys.keys) == {"first"}


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "null", "[]", "7", '"keys"', "{}", '{"keys": {}}', '{"keys": []}', '{"keys": [null, 7, []]}',
        "[" * 9999,
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_no_key_set(text: str) -> None:
    """What is no key set, or has no key that can be used, is an error that says so."""
    with pytest.raises(InvalidKeySet):
        parse_key_set(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["kty", "kid", "alg", "n", "e", "k", "use", "key_ops"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_entry(value: Any) -> None:
    """Whatever stands in the set, reading it gives keys or InvalidKeySet."""
    for entry in (value, {"kty": "RSA", "alg": "RS256", "n": value, "e": "AQAB"}, {"kty": "oct", "k": value}):
        with suppress(InvalidKeySet):
            parse_key_set(json.dumps({"keys": [entry]}))
