"""API keys: where they come from, and which are good."""

import pytest

from emulator.errors import InvalidApplication
from emulator.gateway.api_keys import ApiKeys
from emulator.gateway.handshakes import Handshake


def handshake(*headers):
    return Handshake(headers, {}, "r", "t", 0)


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ([("X-API-Key", "good")], True),
        ([("x-api-key", "bad")], False),
        ([("x-api-key", "")], False),
        ([("x-api-key", "GOOD")], False),
        ([], False),
    ],
)
def test_a_key_in_the_header(headers, admitted):
    """The header's name matches in any case, the key to the letter; the authorizer's key counts nothing."""
    keys = ApiKeys(["good", "other"], "$request.header.x-api-key")
    assert keys.admits(handshake(*headers), "good" if not admitted else None) is admitted


@pytest.mark.parametrize(("key", "admitted"), [("good", True), ("bad", False), ("", False), (None, False)])
def test_a_key_of_the_authorizer(key, admitted):
    """With the other expression only what the authorizer returned counts."""
    keys = ApiKeys(["good"], "$context.authorizer.usageIdentifierKey")
    assert keys.admits(handshake(("x-api-key", "good")), key) is admitted


def test_without_keys_nobody_is_admitted():
    """An API that declares no key has none to accept."""
    assert not ApiKeys([], "$request.header.x-api-key").admits(handshake(("x-api-key", "x")), "x")


def test_another_expression_is_refused():
    """AWS knows two expressions."""
    with pytest.raises(InvalidApplication, match=r"write \$request\.header\.x-api-key or \$context"):
        ApiKeys([], "$request.header.key")
