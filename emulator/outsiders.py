"""Whether a request came from a web page: the sandbox's own ports answer programs on this machine only."""

from collections.abc import Mapping

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
"""What a request's `Host` may be: a web page that had its own name point here sends another."""


def refusal_of_outsider(headers: Mapping[str, str]) -> str | None:
    """Return why a request is not answered, None if it is. Programs send no `Origin` and name the host.

    Args:
        headers: names in lower case.
    """
    if "origin" in headers:
        return "Web pages are not answered here."
    if headers.get("host", "").rsplit(":", 1)[0] not in LOOPBACK_NAMES:
        return "Only calls to 127.0.0.1 or localhost are answered here."
    return None
