"""One shard's records in memory, and the iterators over them."""

import json
import threading

import pytest
from streamer_localstack.engine.expiry import is_expired
from streamer_localstack.engine.iterators import OLDEST, InvalidIterator, Iterator, decode
from streamer_localstack.engine.stream import (
    MAX_ANSWER_BYTES,
    MAX_KEPT_BYTES,
    RETENTION_S,
    Stream,
    TrimmedData,
)

NOW = 1_700_000_000.0
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2015-05-11T21:21:33.291"


@pytest.fixture
def stream() -> Stream:
    return Stream(ARN, "KEYS_ONLY", NOW, "0badcafe")


def _append(stream: Stream, *, at: float = NOW, padding: int = 0) -> None:
    stream.append(lambda number: {"number": number, "padding": "x" * padding}, at)


def _numbers(records: list[str], stream: Stream) -> list[int]:
    return [json.loads(text)["number"] - stream.first_sequence_number for text in records]


def test_a_page_ends_at_the_limit_and_the_next_goes_on(stream: Stream) -> None:
    """Positions lead from page to page without a gap."""
    for _ in range(5):
        _append(stream)
    first = stream.read(OLDEST, 3)
    assert first.next_position is not None
    second = stream.read(first.next_position, 3)
    assert [_numbers(page.records, stream) for page in (first, second)] == [[0, 1, 2], [3, 4]]


def test_a_page_is_at_most_a_megabyte_but_never_empty(stream: Stream) -> None:
    """Large records come one by one."""
    for _ in range(3):
        _append(stream, padding=MAX_ANSWER_BYTES + 1)
    assert _numbers(stream.read(OLDEST, 1000).records, stream) == [0]


def test_records_older_than_a_day_are_trimmed(stream: Stream) -> None:
    """The oldest position starts after them, and their own position is an error."""
    _append(stream)
    _append(stream, at=NOW + RETENTION_S + 1)
    assert _numbers(stream.read(OLDEST, 10).records, stream) == [1]
    with pytest.raises(TrimmedData):
        stream.read(stream.first_sequence_number, 10)


def test_memory_is_bounded(stream: Stream) -> None:
    """The oldest records go when there are too many bytes."""
    for _ in range(5):
        _append(stream, padding=MAX_KEPT_BYTES // 4)
    with pytest.raises(TrimmedData):
        stream.read(stream.first_sequence_number, 10)


def test_a_waiting_read_returns_with_the_record(stream: Stream) -> None:
    """A record that comes while a reader waits ends its waiting."""
    writer = threading.Timer(0.01, _append, [stream])
    writer.start()
    page = stream.read(stream.next_sequence_number, 10, wait_s=30)
    writer.join()
    assert _numbers(page.records, stream) == [0]


def test_a_closed_stream_ends(stream: Stream) -> None:
    """What it keeps is read first; then there is no further position, and nobody waits."""
    _append(stream)
    stream.close()
    assert stream.read(OLDEST, 1, wait_s=30).next_position is None
    assert stream.read(stream.next_sequence_number, 1, wait_s=30).records == []


def test_identifiers_have_awss_form(stream: Stream) -> None:
    """28 to 65 characters of shard id, 21 to 40 digits of sequence number."""
    assert stream.shard_id == "shardId-00000001700000000000-0badcafe"
    assert 21 <= len(str(stream.first_sequence_number)) <= 40


def test_an_iterator_is_its_text() -> None:
    """Encoding and decoding lose nothing that matters."""
    iterator = Iterator(ARN, 1_700_000_000_000_000_000_007, NOW)
    assert decode(iterator.encode()) == iterator
    assert iterator.encode().startswith(f"{ARN}|1|")


@pytest.mark.parametrize("text", ["", "x", f"{ARN}|1|", f"{ARN}|2|WzAsIDBd", f"{ARN}|1|e30=", f"{ARN}|1|!!"])
def test_another_text_is_no_iterator(text: str) -> None:
    """Damaged or invented texts are told apart."""
    with pytest.raises(InvalidIterator):
        decode(text)


def test_an_iterator_lives_15_minutes() -> None:
    """After that it is expired."""
    iterator = Iterator(ARN, OLDEST, NOW)
    assert not iterator.is_expired(NOW + 900)
    assert iterator.is_expired(NOW + 901)


@pytest.mark.parametrize(
    ("attribute", "expired"),
    [
        (None, False),
        ({"S": "1"}, False),
        ({"N": str(int(NOW) - 1)}, True),
        ({"N": str(int(NOW) + 1)}, False),
        ({"N": str(int(NOW) - 6 * 365 * 86_400)}, False),
    ],
    ids=["none", "text", "past", "future", "over five years ago"],
)
def test_only_a_number_of_the_last_five_years_is_due(attribute: dict[str, str] | None, expired: bool) -> None:
    """DynamoDB's rule of time to live."""
    assert is_expired(attribute, NOW) is expired
