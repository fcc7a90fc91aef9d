"""Tokens are shortened wherever they stand, and nothing else is touched."""

import json

import jwt
import pytest

from emulator.telemetry.redaction import redact, redact_text

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
