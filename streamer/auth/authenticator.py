"""Verifies tokens: finds the key, checks the signature, reads the claims."""

import json
import re
from collections.abc import Mapping
from logging import Logger
from typing import Any, NoReturn

from jwt import InvalidSignatureError, InvalidTokenError, PyJWS

from streamer.auth.claims import Rules, identity_from
from streamer.auth.key_ring import KeyRing
from streamer.auth.keys import Algorithm
from streamer.auth.rejection import Rejection
from streamer.clock import Clock
from streamer.errors import Forbidden, Unauthorized
from streamer.identity import Identity
from streamer.settings import Settings

MAX_TOKEN_LENGTH = 8_192
"""Characters of a token. API Gateway's quotas allow 10,240 bytes for all headers together."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_UNREADABLE = (InvalidTokenError, ValueError, RecursionError)


class Authenticator:
    """Says who a token speaks of. Why one is refused stands in the log only, as a code word."""

    def __init__(self, keys: KeyRing, settings: Settings, clock: Clock, logger: Logger) -> None:
        """Make an authenticator.

        Raises:
            ValueError: `settings.jwt_algorithms` names one that is not known, or none.
        """
        self._keys = keys
        self._algorithms = frozenset(map(Algorithm, _names(settings.jwt_algorithms)))
        if not self._algorithms:
            raise ValueError("No algorithm is allowed; set jwt_algorithms to RS256.")
        self._rules = Rules(
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            allowed_tenants=frozenset(_names(settings.allowed_tenants)),
        )
        self._clock = clock
        self._logger = logger
        self._jws = PyJWS()

    def prefetch(self) -> None:
        """Fetch the keys ahead of need; never fails."""
        self._keys.prefetch()

    def authenticate(self, token: str | None) -> Identity:
        """Return whom the token speaks of.

        Raises:
            Unauthorized: the token is not accepted.
            Forbidden: it is, but its tenant is not allowed here.
            ServiceUnavailable, InvalidKeySet: the verification keys are not to be had.
        """
        verdict = self._verify(token)
        if isinstance(verdict, Identity):
            return verdict
        self._refuse(verdict)

    def _verify(self, token: str | None) -> Identity | Rejection:
        if not token:
            return Rejection.MISSING_TOKEN
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
            return Rejection.MALFORMED_TOKEN
        try:
            header = self._jws.get_unverified_header(token)
        except _UNREADABLE:
            return Rejection.MALFORMED_TOKEN
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            return Rejection.WRONG_ALGORITHM
        key = self._keys.find(header.get("kid"))
        if key is None:
            return Rejection.UNKNOWN_KEY
        if key.algorithm != algorithm:
            return Rejection.WRONG_ALGORITHM
        try:
            content = self._jws.decode(token, key.material, algorithms=[key.algorithm.value])
            claims = json.loads(content)
        except InvalidSignatureError:
            return Rejection.BAD_SIGNATURE
        except _UNREADABLE:
            return Rejection.MALFORMED_TOKEN
        if not isinstance(claims, dict):
            return Rejection.MALFORMED_TOKEN
        return identity_from(claims, self._rules, self._clock.now())

    def _refuse(self, reason: Rejection) -> NoReturn:
        self._logger.info("A token was refused", extra={"action": "auth.refused", "reason": reason.value})
        if reason is Rejection.TENANT_NOT_ALLOWED:
            raise Forbidden("This tenant may not connect here.")
        raise Unauthorized("The token was not accepted; connect with a valid one.")


def find_token(headers: Mapping[str, Any] | None, query: Mapping[str, Any] | None) -> str | None:
    """Return the token of a request: from `Authorization: Bearer …`, else from `token` in the query.

    Browsers cannot set a header on a WebSocket; for them is the query.

    Source:
        RFC 6750, section 2.1; RFC 9110, section 11.1: the scheme's case does not matter.
    """
    for name, value in (headers or {}).items():
        if name.lower() == "authorization" and isinstance(value, str):
            scheme, _, token = value.strip().partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                return token.strip()
    found = (query or {}).get("token")
    return found if isinstance(found, str) and found else None


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]
