"""Tokens are shortened wherever they stand, and nothing else is touched."""

import json

import jwt
import pytest

from emulator.telemetry.redaction import hide_credentials, redact, redact_text, told_by_peer

KEY = "not a secret, for these tests alone"


@pytest.fixture(params=[None, {"kid": "development"}], ids=["plain", "kid"])
def token(request: pytest.FixtureRequest) -> str:
    return jwt.encode({"sub": "demo", "exp": 1}, KEY, algorithm="HS256", headers=request.param)


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Bearer {}",
        "streamer.v1, {}",
        "wss://host/local?token={}&a=1",
        '{{"body": "{{\\"t\\":\\"{}\\"}}"}}',
    ],
    ids=["alone", "header", "subprotocol", "query", "nested"],
)
def test_a_token_is_shortened_wherever_it_stands(token: str, around: str) -> None:
    """Of a token its first ten and last four characters are left, whatever surrounds it."""
    assert redact_text(around.format(token)) == around.format(f"{token[:10]}…{token[-4:]}")


def test_no_part_of_a_token_that_can_be_used_is_left(token: str) -> None:
    """Neither the claims nor the signature are in what is left."""
    left = redact(json.dumps({"headers": {"Authorization": f"Bearer {token}"}}).encode()).decode()
    _, claims, signature = token.split(".")
    assert claims not in left
    assert signature not in left


def test_a_token_whose_signature_was_cut_off_is_shortened_too(token: str) -> None:
    """A malformed token is one too: two parts are enough."""
    cut = token.rpartition(".")[0]
    assert cut not in redact_text(f"token={cut}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hey, eyes and eyJ",
        '{"message": "they knew", "url": "https://example.com/key.html"}',
        "R1knPH17NjMFftw=",
        "1795250096990000000001",
        "newest.records.first",
    ],
)
def test_other_text_is_left_as_it_is(text: str) -> None:
    """What merely has some of a token's letters is not changed."""
    assert redact_text(text) == text


def test_text_of_a_peer_is_bounded(token: str) -> None:
    """What a peer wrote is shortened first and cut afterwards, so that no part of a token stays."""
    assert told_by_peer(token + "x" * 100, max_chars=20) == f"{token[:10]}…xxxx"
    assert told_by_peer("a" * 64, max_chars=64) == "a" * 64
    assert told_by_peer("a" * 65, max_chars=64) == "a" * 63 + "…"


OPAQUE = "opaque-0123456789-secret"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer {OPAQUE}", "Bearer op…"),
        ("authorization", OPAQUE, "op…"),
        ("Authorization", "Bearer eyJhbGciOi…dXJl", "Bearer eyJhbGciOi…dXJl"),
        ("Cookie", f"theme=dark; session={OPAQUE}", "theme=…; session=op…"),
        ("cookie", OPAQUE, "op…"),
        ("X-Api-Key", OPAQUE, "op…"),
        ("x-api-key", "", ""),
        ("Sec-WebSocket-Protocol", f"streamer.v1, {OPAQUE}", "streamer.v1, op…"),
        ("sec-websocket-protocol", "graphql-transport-ws", "graphql-transport-ws"),
        ("usageIdentifierKey", OPAQUE, "op…"),
        ("token", "short", "…"),
        ("token", [OPAQUE, None], ["op…", None]),
        ("token", {"S": OPAQUE}, {"S": "op…"}),
        ("token", 7, 7),
        ("tokens", OPAQUE, OPAQUE),
        ("Host", "x", "x"),
    ],
)
def test_credentials_are_known_by_their_names(name: str, value: object, shown: object) -> None:
    """Of a credential that does not look like one, its name tells; scheme and names are left."""
    assert hide_credentials({name: value, "other": OPAQUE}) == {name: shown, "other": OPAQUE}
