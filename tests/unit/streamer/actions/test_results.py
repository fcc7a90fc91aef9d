"""A result is in its message, or in a file that the message links to."""

import json
from typing import Any

import pytest

from streamer.actions import Link
from streamer.actions.links import sealed
from streamer.actions.results import MAX_RESULT_BYTES, as_sent, carried
from streamer.errors import ErrorCode, ResultTooLarge
from streamer.protocol import Complete, encode
from streamer.protocol.limits import MAX_MESSAGE_BYTES
from streamer.testing import MemoryS3, make_context

SEVEN_BYTES_LESS = MAX_MESSAGE_BYTES - 4_096 - 2
"""Characters of the longest text that goes as a message: its quotes take two bytes."""


def sign(link: Link) -> str:
    return f"signed:{link.bucket}/{link.key}"


def context(s3: MemoryS3) -> Any:
    return make_context(request_id="r/1", clients={"s3": s3})


@pytest.mark.parametrize(
    ("length", "is_file"), [(SEVEN_BYTES_LESS, False), (SEVEN_BYTES_LESS + 1, True)], ids=["fits", "over"]
)
def test_what_fits_goes_as_a_message_and_one_byte_more_as_a_file(length: int, is_file: bool) -> None:
    """The limit is that of the whole message."""
    s3 = MemoryS3()
    value, link = as_sent(carried("x" * length, context(s3)), sign, now=0)
    assert (link is not None) is is_file
    assert (value is None) is is_file
    message = Complete(
        request_id="r" * 128, sequence=10**12, timestamp="t" * 24, success=True, result=value, link=link
    )
    assert len(encode(message)) <= MAX_MESSAGE_BYTES


def test_the_file_holds_the_result_and_belongs_to_its_user() -> None:
    """What a client reads from it is what the message would have held."""
    s3 = MemoryS3()
    result = {"rows": ["é" * 100] * 1000, "$result": 1}
    _, link = as_sent(carried(sealed(result), context(s3)), sign, now=0)
    [((bucket, key), data)] = s3.objects.items()
    assert (bucket, key) == ("test-bucket", "outputs/tenants/acme/users/ada/results/r%2F1/run-1.json")
    assert json.loads(data) == result
    assert link is not None
    assert link.url == f"signed:{bucket}/{key}"
    assert (link.size_bytes, link.expires_at) == (len(data), "1970-01-01T01:00:00.000Z")


@pytest.mark.parametrize(
    "result",
    [
        "x" * MAX_RESULT_BYTES,
        {"a": "x" * 130_000, "b": Link(bucket="b", key="k")},
        [Link(bucket="b", key="k")] * 100,
    ],
    ids=["too-large", "large-with-link", "too-many-links"],
)
def test_what_neither_holds_is_a_loud_error(result: Any) -> None:
    """Nothing is written then; links, which are signed when they are sent, are never put into a file."""
    s3 = MemoryS3()
    with pytest.raises(ResultTooLarge, match="return") as caught:
        carried(result, context(s3))
    assert caught.value.code == ErrorCode.RESULT_TOO_LARGE
    assert s3.objects == {}


def test_nobody_forges_a_file() -> None:
    """An action that returns its payload opens no object, and the payload comes back as it was."""
    forged = {"$result": {"bucket": "b", "key": "tenants/other/secret", "size_bytes": 1}}
    assert as_sent(carried(sealed(forged), context(MemoryS3())), sign, now=0) == (forged, None)
