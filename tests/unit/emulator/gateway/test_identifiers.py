"""Ids in AWS's shape."""

import base64
from random import Random

import pytest

from emulator.clock import ManualClock
from emulator.gateway.identifiers import Identifiers, api_id, is_connection_id

RECORDED = [(1705751697.419, "R1kmxc2VNjMCFIA="), (1708326702.789, "TXzPWdnOjoECGjA=")]


def decode(text):
    return base64.urlsafe_b64decode(text)


@pytest.mark.parametrize("kind", ["connection", "request", "message"])
def test_ids_are_eleven_bytes_of_url_safe_base64(kind):
    """Every id is sixteen characters that end in `=`, with AWS's byte for its kind."""
    ids = Identifiers(ManualClock(), Random(1))
    connection_id = ids.connection_id()
    text = {
        "connection": connection_id,
        "request": ids.request_id(),
        "message": ids.message_id(connection_id),
    }[kind]
    assert len(text) == 16
    assert is_connection_id(text)
    assert decode(text)[8] == (5 if kind == "request" else 2)
    if kind == "message":
        assert decode(text)[8:] == decode(connection_id)[8:]


def test_ids_of_one_instant_never_repeat():
    """A clock that stands still does not make two ids alike."""
    ids = Identifiers(ManualClock(), Random(1))
    connection_id = ids.connection_id()
    made = [ids.message_id(connection_id) for _ in range(20_000)] + [connection_id]
    assert len(set(made)) == len(made)


def test_the_same_seed_and_clock_make_the_same_ids():
    """Randomness and time are passed in."""
    first, second = (Identifiers(ManualClock(), Random(7)) for _ in range(2))
    assert [first.request_id() for _ in range(3)] == [second.request_id() for _ in range(3)]


@pytest.mark.parametrize(("now", "recorded"), RECORDED)
def test_the_leading_bytes_are_the_time_as_in_recorded_ids(now, recorded):
    """The first four bytes of an id made at a recorded time are the recorded ones, give or take 0.1 s."""
    made = Identifiers(ManualClock(now), Random(1)).connection_id()
    assert abs(int.from_bytes(decode(made)[:4], "big") - int.from_bytes(decode(recorded)[:4], "big")) <= 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R1kmxc2VNjMCFIA=", True),
        ("ZmDx-dJ4_iACFkQ=", True),
        ("cjy8i76bx002884le6n17d49b", False),
        ("", False),
        ("R1kmxc2VNjMCFIA=\n", False),
        ("R1kmxc2VNjMC/IA=", False),
    ],
)
def test_what_can_be_a_connection_id(text, expected):
    """Only sixteen characters of URL-safe base64 can be an id."""
    assert is_connection_id(text) is expected


def test_an_apis_id_depends_on_its_name_only():
    """Ten lower-case letters and digits, stable from run to run."""
    assert api_id("streamer") == api_id("streamer")
    assert api_id("streamer") != api_id("other")
    assert len(api_id("x")) == 10


def test_a_trace_header_carries_the_time():
    """`Root=1-`, eight hex digits of epoch seconds, twenty-four of randomness."""
    header = Identifiers(ManualClock(1708326702.8), Random(1)).trace_header()
    assert header.startswith("Root=1-65d2ff2e-")
    assert len(header) == len("Root=1-65d2ff2e-718990494fd688f062bf1571")
