"""The promises of `MessageStore`, on every implementation of its seam."""

from typing import Any

import pytest

from streamer.protocol import Progress
from streamer.store import MessageStore, RequestKey
from streamer.store.limits import MAX_KEPT_BYTES, MAX_KEPT_MESSAGES, MESSAGE_TTL_S
from streamer.store.models import RequestMessage


@pytest.fixture
def messages(engine: Any, settings: Any, clock: Any) -> MessageStore:
    return MessageStore(engine, settings, clock)


def progress(sequence: int, *, metadata: dict[str, Any] | None = None, text: str = "") -> Progress:
    return Progress(
        request_id="r-1",
        sequence=sequence,
        timestamp="2026-11-21T07:09:08.123Z",
        attempt=1,
        percentage=50.0,
        message=text or f"Step {sequence}",
        metadata=metadata,
    )


def sequences(replay: Any) -> list[int]:
    return [message.sequence for message in replay.messages]


def test_what_was_kept_comes_back(messages: MessageStore, key: RequestKey) -> None:
    """A kept message is replayed as it was sent, with its metadata."""
    sent = progress(7, metadata={"rows": 3, "names": ["ä", "b"]})
    messages.append(key, sent)
    assert messages.after(key, 0).messages == [sent]


def test_only_what_is_after_the_sequence_in_order(messages: MessageStore, key: RequestKey) -> None:
    """Messages come in the order of their sequences, those after the asked one only, of this request only."""
    log = messages.log(key)
    for sequence in (9, 10, 99, 1_000_001):
        log.append(progress(sequence))
    messages.append(RequestKey("demo", "ann", "r-2"), progress(50))
    assert sequences(messages.after(key, 9)) == [10, 99, 1_000_001]
    assert sequences(messages.after(key, 1_000_001)) == []


def test_nothing_is_kept_of_an_unknown_request(messages: MessageStore, key: RequestKey) -> None:
    """Of a request without messages nothing is missing either."""
    replay = messages.after(key, 5)
    assert (replay.messages, replay.truncated) == ([], False)


def test_more_than_the_limit_is_truncated_to_the_latest(messages: MessageStore, key: RequestKey) -> None:
    """Of more than the limit the latest come, and the answer says that others are missing."""
    log = messages.log(key)
    for sequence in range(1, 6):
        log.append(progress(sequence))
    replay = messages.after(key, 1, limit=3)
    assert (sequences(replay), replay.truncated) == ([3, 4, 5], True)
    replay = messages.after(key, 2, limit=3)
    assert (sequences(replay), replay.truncated) == ([3, 4, 5], False)


def test_an_attempt_keeps_a_bounded_number(messages: MessageStore, key: RequestKey, stores: Any) -> None:
    """The oldest goes when another comes; whoever asks for it learns that it is missing."""
    log = messages.log(key, first=True)
    for sequence in range(1, MAX_KEPT_MESSAGES + 3):
        log.append(progress(sequence))
    replay = messages.after(key, 0, limit=1000)
    assert sequences(replay) == [*range(3, MAX_KEPT_MESSAGES + 3)]
    assert replay.truncated
    assert not messages.after(key, 2, limit=1000).truncated


def test_the_next_attempt_goes_on_where_the_last_one_ended(messages: MessageStore, key: RequestKey) -> None:
    """Between attempts nothing is missing although their sequences are far apart."""
    messages.log(key, first=True).append(progress(3))
    messages.log(key).append(progress(1_000_001))
    replay = messages.after(key, 3)
    assert (sequences(replay), replay.truncated) == ([1_000_001], False)
    assert messages.after(key, 2).truncated is False


def test_an_old_message_counts_as_absent(messages: MessageStore, key: RequestKey, stores: Any) -> None:
    """After a day a message is gone, and the answer knows that one was there."""
    messages.append(key, progress(1))
    stores.clock.advance(MESSAGE_TTL_S)
    messages.append(key, progress(2))
    replay = messages.after(key, 0)
    assert (sequences(replay), replay.truncated) == ([2], True)


def test_large_metadata_is_not_kept(messages: MessageStore, key: RequestKey) -> None:
    """A message that is too large to be kept whole is kept without its metadata."""
    messages.append(key, progress(1, metadata={"text": "x" * MAX_KEPT_BYTES}))
    assert messages.after(key, 0).messages == [progress(1)]


def test_an_answer_is_bounded_in_bytes(messages: MessageStore, key: RequestKey) -> None:
    """However many messages fit the limit, an answer stays within what a message can carry."""
    log = messages.log(key)
    for sequence in range(1, 21):
        log.append(progress(sequence, metadata={"text": "x" * (MAX_KEPT_BYTES - 500)}))
    replay = messages.after(key, 0)
    assert 1 < len(replay.messages) < 10
    assert sequences(replay)[-1] == 20
    assert replay.truncated


def test_the_items_are_of_the_request(messages: MessageStore, key: RequestKey, stores: Any) -> None:
    """An item stands in its request's partition, by its sequence with twelve digits, and expires."""
    messages.append(key, progress(41))
    item = stores.database.get(RequestMessage.at(**key.components, number="000000000041")).to_item()
    assert item["pk"] == {"S": "REQUEST#demo#ann#r-1"}
    assert item["sk"] == {"S": "MESSAGE#000000000041"}
    assert item["expires_at"] == {"N": str(int(stores.clock.now()) + MESSAGE_TTL_S)}
