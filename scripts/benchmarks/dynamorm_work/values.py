"""The items that are read and written: what a request or an order usually has."""

from functools import cache
from typing import Any

TABLE = "benchmark"


@cache
def values(partition: str, number: int) -> dict[str, Any]:
    """Return an item of sixteen attributes, some 500 bytes, as plain values; made once, never changed."""
    return {
        "pk": partition,
        "sk": f"ITEM#{number:05}",
        "owner": f"customer-{number % 7}",
        "action": "generate_report",
        "status": "PENDING",
        "correlation": f"5f0c2b1e-0000-4000-8000-{number:012}",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "message": f"The report of month {number % 12} is being made; it is read from the ledger.",
        "attempt": number % 5,
        "sequence": number,
        "created": 1_764_000_000 + number,
        "expires": 1_764_600_000 + number,
        "open": number % 2 == 0,
        "tags": ["monthly", "ledger", f"customer-{number % 7}"],
        "permissions": {"reports:read", "reports:write"},
        "names": {"first": "Ada", "last": f"Lovelace {number}"},
    }
