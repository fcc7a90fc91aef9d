"""What a client refuses before anything is sent."""

import math
from typing import Any

import msgspec
import pytest

from streamer.clients.python.errors import InvalidRequest
from streamer.clients.python.framing import check_request, request_frame


@pytest.mark.parametrize(
    "payload",
    [{"a": math.nan}, {"a": [1, {"b": -math.inf}]}, {"a": None, "b": (math.inf,)}],
    ids=["nan", "deep", "beside-null"],
)
def test_a_number_that_json_has_no_form_for_is_refused(payload: dict[str, Any]) -> None:
    """It would arrive as null, and nobody would know: the command line and results refuse it, too."""
    with pytest.raises(InvalidRequest, match=r"payload of echo .*NaN.*null"):
        request_frame("echo", payload, "r1", {})


def test_null_is_sent() -> None:
    """Where it is meant, also beside numbers and the word."""
    payload = {"a": None, "b": 1.5, "c": "null"}
    assert msgspec.json.decode(request_frame("echo", payload, "r1", {}))["payload"] == payload


@pytest.mark.parametrize("metadata", [{"a": 1}, {1: "a"}, 5, ["a"], "mode=async"], ids=repr)
def test_metadata_that_is_no_text_under_text_is_refused(metadata: Any) -> None:
    """Whatever it is instead."""
    with pytest.raises(InvalidRequest, match="metadata of echo must be strings under strings"):
        check_request("echo", {}, "r1", metadata)
