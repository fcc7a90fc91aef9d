"""A clock that is moved by hand, real keys, and an authenticator around them."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from streamer.auth.authenticator import Authenticator
from streamer.auth.development import generate_key_pair
from streamer.auth.key_ring import KeyRing
from streamer.errors import StreamerError
from streamer.settings import Settings

NOW = 1_700_000_000.0


@dataclass
class HandClock:
    time: float = NOW

    def now(self) -> float:
        return self.time


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def facts(self, name: str) -> list[Any]:
        return [getattr(record, name) for record in self.records if hasattr(record, name)]


@dataclass
class Secret:
    """The secret that holds the key set: its text, whether it can be read, and how often it was."""

    text: str = ""
    failure: StreamerError | None = None
    reads: int = 0

    def fetch(self) -> str:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return self.text


@cache
def private_key(text: str) -> Any:
    return RSAAlgorithm.from_jwk(text)


@dataclass
class Issuer:
    """Signs whatever claims and headers it is told to."""

    private: dict[str, Any]
    public: dict[str, Any]
    claims: dict[str, Any] = field(
        default_factory=lambda: {"sub": "ada", "tenant_id": "acme", "exp": NOW + 600, "iat": NOW}
    )

    def sign(
        self, *, without: str | None = None, header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        claims = {name: value for name, value in (self.claims | changes).items() if name != without}
        headers = {"kid": self.private["kid"], **(header or {})}
        return jwt.encode(claims, private_key(json.dumps(self.private)), algorithm="RS256", headers=headers)


@pytest.fixture(scope="session")
def first_pair() -> tuple[dict[str, Any], dict[str, Any]]:
    return generate_key_pair("first")


@pytest.fixture(scope="session")
def second_pair() -> tuple[dict[str, Any], dict[str, Any]]:
    return generate_key_pair("second")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def issuer(first_pair: tuple[dict[str, Any], dict[str, Any]]) -> Issuer:
    return Issuer(*first_pair)


@pytest.fixture
def other_issuer(second_pair: tuple[dict[str, Any], dict[str, Any]]) -> Issuer:
    return Issuer(*second_pair)


@pytest.fixture
def secret(issuer: Issuer) -> Secret:
    return Secret(json.dumps(issuer.public))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def logger(lines: Lines) -> logging.Logger:
    logger = logging.Logger("test")
    logger.addHandler(lines)
    return logger


@pytest.fixture
def new_authenticator(
    secret: Secret, clock: HandClock, logger: logging.Logger
) -> Callable[..., Authenticator]:
    def make(**changes: str) -> Authenticator:
        names = (
            "connections_table",
            "requests_table",
            "subscriptions_table",
            "counters_table",
            "records_table",
            "bucket",
            "executor_function",
        )
        values = dict.fromkeys(names, "unused") | {"jwt_keys_secret": "keys"} | changes
        settings = Settings(**values)  # type: ignore[arg-type]
        return Authenticator(KeyRing(secret.fetch, clock, logger), settings, clock, logger)

    return make
