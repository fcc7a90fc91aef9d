"""Timelines as the emulator records them, shortened, and what parses a display."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

Entries = list[dict[str, Any]]

REQUEST = {"request_id": "r1", "correlation_id": "G1"}


@pytest.fixture
def entries() -> Callable[..., Entries]:
    """Make entries of `(at_ms, kind, facts)`."""

    def make(*rows: tuple[float, str, dict[str, Any]]) -> Entries:
        return [
            {"sequence": place + 1, "at": 1_795_250_000 + at_ms / 1000, "kind": kind, "facts": facts}
            for place, (at_ms, kind, facts) in enumerate(rows)
        ]

    return make


@pytest.fixture
def long_request(entries: Callable[..., Entries]) -> Entries:
    """A long request whose first executor was killed, from the message to the sweeper's second dispatch."""
    about = {"about": [REQUEST]}
    router = {"function": "app-router", "request_id": "i1"}
    processor = {"function": "app-processor", "request_id": "i2"}
    executor = {"function": "app-executor", "request_id": "i3"}
    sweeper = {"function": "app-sweeper", "request_id": "i4"}
    post = {
        "connection_id": "C1",
        "bytes": 195,
        "status": 200,
        "type": "progress",
        "about": [{"request_id": "r1"}],
    }
    return entries(
        (
            0,
            "gateway.message",
            {
                "connection_id": "C1",
                "request_id": "G1",
                "route": "$default",
                "bytes": 126,
                "type": "request",
                "action": "sleep",
                "about": [{"request_id": "r1"}],
            },
        ),
        (0.3, "lambda.start", {**router, "cold": False, "about": [{"correlation_id": "G1"}]}),
        (
            13,
            "stream.batch",
            {"table": "app-requests", "function": "app-processor", "records": 1, "attempt": 1, **about},
        ),
        (13.2, "lambda.start", {**processor, "cold": True, **about}),
        (21, "lambda.end", {**router, "duration_ms": 20.7, "function_error": None}),
        (22, "lambda.queued", {**executor, **about}),
        (
            22.5,
            "gateway.reply",
            {"connection_id": "C1", "request_id": "G1", "bytes": 214, "type": "acknowledgment"},
        ),
        (23, "lambda.start", {**executor, "cold": False, **about}),
        (24, "lambda.end", {**processor, "duration_ms": 10.8, "function_error": None}),
        (200, "gateway.post", post),
        (812, "environment.ended", {"function": "app-executor", "pid": 7, "state": "busy", "status": -9}),
        (
            813,
            "lambda.end",
            {
                **executor,
                "duration_ms": 790.0,
                "function_error": "Unhandled",
                "error_type": "Runtime.ExitError",
            },
        ),
        (
            814,
            "lambda.given_up",
            {
                "destination": "arn:aws:lambda:us-east-1:000000000000:function:app-sweeper",
                "function": "app-executor",
                "request_id": "i3",
            },
        ),
        (815, "lambda.queued", {**sweeper, **about}),
        (816, "lambda.start", {**sweeper, "cold": False, **about}),
        (
            830,
            "stream.batch",
            {"table": "app-requests", "function": "app-processor", "records": 1, "attempt": 1, **about},
        ),
    )


@dataclass
class Parsed(HTMLParser):
    """A display as a browser sees it: its tags with their attributes, and its text."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="session")
def parsed() -> Callable[[str], Parsed]:
    """Parse a display."""

    def parse(html: str) -> Parsed:
        parser = Parsed()
        parser.feed(html)
        parser.close()
        return parser

    return parse
