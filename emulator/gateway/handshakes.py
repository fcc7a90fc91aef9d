"""A client's request to connect, as a value: what authorizer, API key and `$connect` look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Handshake:
    """One handshake on its way through the gateway.

    Attributes:
        headers: names and values as the client wrote them, in its order; never logged.
        parameters: every value of each parameter of the URL's query, decoded; never logged.
        request_id: of the CONNECT event, and of the authorizer's.
        trace_header: `X-Amzn-Trace-Id`, the same for everything that runs for this handshake.
        received_at_ms: epoch milliseconds, `requestTimeEpoch` of both events.
    """

    headers: Sequence[tuple[str, str]] = field(repr=False)
    parameters: Mapping[str, Sequence[str]] = field(repr=False)
    request_id: str
    trace_header: str
    received_at_ms: int

    def find_header(self, name: str) -> str | None:
        """Return a header's last value whatever the case of its name, or None."""
        lower = name.lower()
        return next((value for sent, value in reversed(self.headers) if sent.lower() == lower), None)

    def find_parameter(self, name: str) -> str | None:
        """Return a query parameter's last value, or None. Case counts."""
        values = self.parameters.get(name)
        return values[-1] if values else None


def query_parameters(query: str) -> dict[str, list[str]]:
    """Return the values of each parameter of a URL's query, given as it was sent."""
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    return parameters
