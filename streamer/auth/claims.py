"""What a verified token may say. Pure."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from streamer.auth.rejection import Rejection
from streamer.dynamorm.frozen import dataclass
from streamer.identity import Identity
from streamer.protocol.limits import MAX_NAME_LENGTH

LEEWAY_S = 10.0
"""How far the issuer's clock and ours may differ. Ours."""

MAX_ISSUED_AHEAD_S = 60.0
"""A token issued later than this from now is not believed. Ours."""

MAX_TIME_S = 253_402_300_800.0
"""The year 10000, where calendars end: no time in a token is later."""

_NOT_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a deployment asks of a token.

    Attributes:
        audience: one of the token's audiences must be this; empty: not checked.
        issuer: the token's issuer must be this; empty: not checked.
        allowed_tenants: empty: all.
    """

    audience: str = ""
    issuer: str = ""
    allowed_tenants: frozenset[str] = frozenset()


def identity_from(claims: Mapping[str, Any], rules: Rules, now: float) -> Identity | Rejection:
    """Return who the claims of a verified token speak of, or why they are not accepted.

    `exp`, `sub` and `tenant_id` must be there; `nbf`, `iat` and `permissions` may be. Whether the
    tenant is allowed is asked last, so that only somebody known learns that it is not.

    Source:
        RFC 7519, section 4.1.
    """
    if any(claims.get(name) is None for name in ("exp", "sub", "tenant_id")):
        return Rejection.MISSING_CLAIM
    expires_at = claims["exp"]
    if not all(_is_time(claims[name]) for name in ("exp", "nbf", "iat") if name in claims):
        return Rejection.MALFORMED_CLAIM
    if not (_is_name(claims["sub"]) and _is_name(claims["tenant_id"])):
        return Rejection.MALFORMED_CLAIM
    permissions = claims.get("permissions", [])
    if not (isinstance(permissions, list) and all(_is_name(permission) for permission in permissions)):
        return Rejection.MALFORMED_CLAIM
    if now >= expires_at + LEEWAY_S:
        return Rejection.EXPIRED
    if claims.get("nbf", 0) > now + LEEWAY_S:
        return Rejection.NOT_YET_VALID
    if claims.get("iat", 0) > now + MAX_ISSUED_AHEAD_S:
        return Rejection.ISSUED_IN_FUTURE
    if rules.audience and not _has_audience(claims.get("aud"), rules.audience):
        return Rejection.WRONG_AUDIENCE
    if rules.issuer and claims.get("iss") != rules.issuer:
        return Rejection.WRONG_ISSUER
    if rules.allowed_tenants and claims["tenant_id"] not in rules.allowed_tenants:
        return Rejection.TENANT_NOT_ALLOWED
    return Identity(
        tenant_id=claims["tenant_id"],
        user_id=claims["sub"],
        permissions=frozenset(permissions),
        expires_at=float(expires_at),
    )


def _is_time(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and -MAX_TIME_S <= value <= MAX_TIME_S
    )


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_NAME_LENGTH
        and (
            (value.isascii() and value.isprintable())
            or not any(unicodedata.category(character) in _NOT_IN_NAMES for character in value)
        )
    )


def _has_audience(claim: Any, wanted: str) -> bool:
    return claim == wanted or (isinstance(claim, list) and wanted in claim)
