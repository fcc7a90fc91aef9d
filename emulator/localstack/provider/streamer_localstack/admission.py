"""Who may call LocalStack's port: programs on this machine, and pages that came from it. Pure rules.

The port is open to every browser tab of the user, on whatever site. A page of another site sends its origin,
or comes under a name of its own that it made to lead here.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}

LOOPBACK_SUFFIXES = (".localhost", ".localhost.localstack.cloud")
"""Under these, names of buckets and services lead to loopback too: RFC 6761; LocalStack's own domain."""


def refusal(headers: Mapping[str, str]) -> str | None:
    """Return why a request is refused, or None where it is let in.

    Args:
        headers: of the request; names in any case.
    """
    host = headers.get("Host", "")
    if not _is_loopback(f"//{host}"):
        return "This port serves loopback addresses only; call it as 127.0.0.1."
    origin = headers.get("Origin")
    if origin is not None and not _is_loopback(origin):
        return "A page of another site may not call this port; serve the page from localhost."
    is_elsewhere = headers.get("Sec-Fetch-Site") == "cross-site"
    if is_elsewhere and origin is None and headers.get("Sec-Fetch-Mode") != "navigate":
        return "A page of another site may not load this; open its address by itself."
    return None


def refusal_of_change(method: str, path: str) -> str | None:
    """Return why a request to LocalStack's own routes is refused: they tell, and they end or reset it.

    AWS's services do not lie under these paths.
    """
    if path.startswith("/_localstack/") and method not in ("GET", "HEAD", "OPTIONS"):
        return "LocalStack's own routes only tell here; the sandbox ends it and sets its clock and faults."
    return None


def _is_loopback(url: str) -> bool:
    try:
        name = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    return name in LOOPBACK_NAMES or name == "localhost.localstack.cloud" or name.endswith(LOOPBACK_SUFFIXES)
