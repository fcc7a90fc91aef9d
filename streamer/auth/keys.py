"""The keys that tokens are verified with: a JSON Web Key Set, each key bound to one algorithm. Pure."""

import json
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

from streamer.dynamorm.frozen import dataclass
from streamer.errors import InvalidKeySet

MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""

MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: a secret as long as the hash."""


class Algorithm(StrEnum):
    """The signature algorithms that we know."""

    RS256 = "RS256"
    HS256 = "HS256"


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One key and the only algorithm that it is used with.

    Attributes:
        kid: its name; None for a set's only key, if that has none.
        material: what PyJWT verifies with; a public key or a shared secret.
    """

    kid: str | None
    algorithm: Algorithm
    material: RSAPublicKey | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """Verification keys by name.

    Attributes:
        ignored: keys of the set that cannot be used here.
    """

    keys: Mapping[str | None, VerificationKey]
    ignored: int = 0

    def find(self, kid: str | None) -> VerificationKey | None:
        """Return the key that a token names; a token that names none gets a set's only key without name."""
        return self.keys.get(kid)


def parse_key_set(text: str) -> KeySet:
    """Read a JSON Web Key Set.

    A key that cannot be used is left out and counted, so that a set may hold keys for others: no
    or another `alg`, a `kty` that does not fit it, too short, not meant for signatures, without
    `kid` beside other keys, or with the `kid` of an earlier one. Of a private key only the public
    half is read.

    Raises:
        InvalidKeySet: not a key set, or no key of it can be used.

    Shape:
        `{"keys": [key, …]}`, a key `{"kty": "RSA", "kid", "alg": "RS256", "n", "e"}` or
        `{"kty": "oct", "kid", "alg": "HS256", "k"}`

    Source:
        RFC 7517, section 5; RFC 8725, section 3.1 (a key is used with one algorithm only).
    """
    try:
        entries = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        raise InvalidKeySet('The verification keys are no JSON Web Key Set; store {"keys": [...]}.') from None
    keys: dict[str | None, VerificationKey] = {}
    for entry in entries:
        key = _parse_key(entry)
        if key is not None and (key.kid is not None or len(entries) == 1):
            keys.setdefault(key.kid, key)
    if not keys:
        raise InvalidKeySet(
            "No verification key can be used; each needs a kid, an alg (RS256 or HS256), and the length"
            " that RFC 7518 asks for."
        )
    return KeySet(keys, ignored=len(entries) - len(keys))


def _parse_key(entry: Any) -> VerificationKey | None:
    if not isinstance(entry, dict):
        return None
    kid, use, operations = entry.get("kid"), entry.get("use"), entry.get("key_ops")
    if not (kid is None or isinstance(kid, str)) or use not in (None, "sig"):
        return None
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    try:
        match entry.get("kty"), entry.get("alg"):
            case "RSA", Algorithm.RS256:
                public = RSAAlgorithm.from_jwk({name: entry[name] for name in ("kty", "n", "e")})
                if isinstance(public, RSAPublicKey) and public.key_size >= MIN_RSA_BITS:
                    return VerificationKey(kid, Algorithm.RS256, public)
            case "oct", Algorithm.HS256:
                secret = HMACAlgorithm.from_jwk({name: entry[name] for name in ("kty", "k")})
                if len(secret) >= MIN_SECRET_BYTES:
                    return VerificationKey(kid, Algorithm.HS256, secret)
    except (InvalidKeyError, KeyError, ValueError, TypeError, AttributeError):
        return None
    return None
