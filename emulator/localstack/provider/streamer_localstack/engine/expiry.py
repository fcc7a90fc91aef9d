"""Time to live: which items are due for deletion."""

from collections.abc import Mapping

MAX_AGE_S = 5 * 365 * 86_400
"""Items that expired longer ago are left alone. DynamoDB Developer Guide, "Before you start with TTL"."""


def is_expired(attribute: Mapping[str, str] | None, now: float) -> bool:
    """Tell whether an item whose TTL attribute (wire form) is `attribute` is to be deleted.

    Only a number counts, as epoch seconds; anything else never expires.
    """
    if attribute is None or "N" not in attribute:
        return False
    try:
        expires_at = float(attribute["N"])
    except ValueError:
        return False
    return now - MAX_AGE_S <= expires_at < now
