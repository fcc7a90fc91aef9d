"""Keys and tokens for development tools and tests. A deployment's tokens come from its own issuer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

from streamer.auth.keys import MIN_RSA_BITS, Algorithm


def generate_key_pair(kid: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make an RS256 key; takes about 50 ms.

    Returns:
        The private JSON Web Key, which `issue_token` takes, and the JSON Web Key Set with its public
        half, whose JSON is the value of the secret `settings.jwt_keys_secret`.
    """
    private = rsa.generate_private_key(public_exponent=65_537, key_size=MIN_RSA_BITS)
    names = {"kid": kid, "alg": Algorithm.RS256.value, "use": "sig"}
    # key_ops is what PyJWT adds; `use` says the same (RFC 7517, section 4.3: not both)
    secret, public = (
        {name: value for name, value in RSAAlgorithm.to_jwk(key, as_dict=True).items() if name != "key_ops"}
        for key in (private, private.public_key())
    )
    return {**secret, **names}, {"keys": [{**public, **names}]}


def issue_token(
    private_key: Mapping[str, Any],
    *,
    user_id: str,
    tenant_id: str,
    permissions: Iterable[str] = (),
    expires_in_s: float = 3600.0,
    now: float,
    audience: str = "",
    issuer: str = "",
) -> str:
    """Sign a token, as an issuer would.

    Args:
        private_key: a JSON Web Key with `alg` RS256 (private) or HS256, as `generate_key_pair` makes it.
        expires_in_s: may be negative, for a token that has ended.
        now: epoch seconds.
        audience, issuer: left out where empty.

    Raises:
        ValueError: the key's `alg` is not known, or the key is public.
        jwt.InvalidKeyError: the key cannot be used.

    Shape:
        claims `sub`, `tenant_id`, `permissions`, `iat`, `exp`, `aud`?, `iss`?; header `alg`, `typ`, `kid`?.
    """
    algorithm = Algorithm(private_key.get("alg", ""))
    source = RSAAlgorithm if algorithm is Algorithm.RS256 else HMACAlgorithm
    key = source.from_jwk(json.dumps(dict(private_key)))
    if isinstance(key, rsa.RSAPublicKey):
        raise ValueError("A token is signed with a private key and this one is public; pass the private one.")
    claims: dict[str, Any] = {
        "sub": user_id,
        "tenant_id": tenant_id,
        "permissions": sorted(permissions),
        "iat": int(now),
        "exp": int(now + expires_in_s),
    }
    if audience:
        claims["aud"] = audience
    if issuer:
        claims["iss"] = issuer
    kid = private_key.get("kid")
    return jwt.encode(
        claims,
        key,
        algorithm=algorithm.value,
        headers=None if kid is None else {"kid": kid},
    )
