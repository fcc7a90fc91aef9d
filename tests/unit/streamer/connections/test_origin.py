"""Which server an endpoint names."""

import pytest

from streamer.connections.origin import Origin, origin_of


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://a.example/prod", Origin(True, "a.example", 443, "a.example")),
        ("https://A.example:443", Origin(True, "a.example", 443, "a.example")),
        ("https://localhost:7602/local", Origin(True, "localhost", 7602, "localhost:7602")),
        ("http://127.0.0.1/x/y", Origin(False, "127.0.0.1", 80, "127.0.0.1")),
        ("http://[::1]:7601/local", Origin(False, "::1", 7601, "[::1]:7601")),
        ("https://[::1]/local", Origin(True, "::1", 443, "[::1]")),
    ],
)
def test_endpoints(endpoint: str, origin: Origin) -> None:
    """Names, addresses and ports are told apart; `Host` has no port that goes without saying."""
    assert origin_of(endpoint) == origin


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "a.example/prod", "ftp://a.example/prod", "https:///prod", "https://a.example:x/prod",
        "https://a.example:99999/prod", "https://a.example/pr od", "https://a.example/prod\r\nX: y",
        "https://a.example/prod?x", "https://a.example/prod#x", "https://ä.example/prod",
    ],
)  # fmt: skip
def test_no_endpoints(endpoint: str) -> None:
    """What is no address, or could smuggle something into a request, is refused."""
    with pytest.raises(ValueError, match=r".+"):
        origin_of(endpoint)
