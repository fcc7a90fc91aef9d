"""What the emulator's commands read and print."""

import pytest
import typer

from emulator.cli.console import address_lines, read_pair
from emulator.state import Addresses

ADDRESSES = Addresses(
    websocket="ws://127.0.0.1:1/local",
    management="http://127.0.0.1:1/local",
    https="https://localhost:2/local",
    aws_endpoint="http://127.0.0.1:3",
    lambda_endpoint="http://127.0.0.1:4",
    control="http://127.0.0.1:5",
    ca_bundle="/run/ca.pem",
    stages={
        "chat/local": {"websocket": "ws://127.0.0.1:1/local"},
        "chat/beta": {"websocket": "ws://127.0.0.1:1/beta"},
    },
)


def test_every_address_and_every_stage_has_a_line():
    """Whoever starts a sandbox reads where it answers; each stage is an address of its own."""
    told = dict(line.rsplit(maxsplit=1) for line in address_lines(ADDRESSES))
    assert told["aws endpoint"] == "http://127.0.0.1:3"
    assert told["ca bundle"] == "/run/ca.pem"
    assert told["stage chat/local"] == "ws://127.0.0.1:1/local"
    assert told["stage chat/beta"] == "ws://127.0.0.1:1/beta"


def test_value_of_a_pair_may_have_an_equals_sign():
    """Only the first one separates."""
    assert read_pair("filter=a=b", option="--option") == ("filter", "a=b")


@pytest.mark.parametrize("text", ["name", "=value", ""], ids=["no-sign", "no-name", "empty"])
def test_what_is_no_pair_is_told_in_the_options_own_form(text):
    """The sentence says what to write."""
    with pytest.raises(typer.BadParameter, match=r"is not ROOM\.NAME=VALUE"):
        read_pair(text, option="--set", form="ROOM.NAME=VALUE")
