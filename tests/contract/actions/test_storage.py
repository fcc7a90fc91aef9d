"""What `storage` promises holds over S3 in memory and over LocalStack's."""

from typing import Any

import pytest

from streamer.actions.storage import CHUNK_BYTES, find_object, put_object
from streamer.errors import ServiceUnavailable


def put(store: Any, key: str, body: bytes, **metadata: str) -> None:
    put_object(store.client, store.bucket, key, body, content_type="text/csv", metadata=metadata)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])
def test_an_object_comes_back_piece_by_piece(store: Any, size: int) -> None:
    """`size_bytes` is of the whole; `chunks` is its content in order, each piece bounded."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    put(store, "a/b%2Fc/ü.csv", body)
    found = find_object(store.client, store.bucket, "a/b%2Fc/ü.csv")
    assert found is not None
    assert found.size_bytes == size
    chunks = list(found.chunks)
    assert b"".join(chunks) == body
    assert all(len(chunk) <= CHUNK_BYTES for chunk in chunks)


def test_what_is_absent_is_none(store: Any) -> None:
    """None when there is none."""
    assert find_object(store.client, store.bucket, "nothing") is None


def test_an_object_takes_the_place_of_another(store: Any) -> None:
    """Write an object, in the place of one that is there."""
    put(store, "k", b"one")
    put(store, "k", b"two")
    found = find_object(store.client, store.bucket, "k")
    assert found is not None
    assert b"".join(found.chunks) == b"two"


def test_metadata_is_kept(store: Any) -> None:
    """The correlation id of API Gateway's form survives the way through headers."""
    put(store, "k", b"", **{"correlation-id": "JKJaXmPLvHcESHA="})
    answer = store.client.get_object(Bucket=store.bucket, Key="k")
    answer["Body"].close()
    assert answer["Metadata"] == {"correlation-id": "JKJaXmPLvHcESHA="}


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    """A refused connection is worth another attempt."""
    import boto3
    from botocore.config import Config

    client = boto3.session.Session().client(
        "s3",
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    with pytest.raises(ServiceUnavailable) as caught:
        find_object(client, "bucket", "key")
    assert caught.value.retryable
    with pytest.raises(ServiceUnavailable):
        put_object(client, "bucket", "key", b"", content_type="text/csv", metadata={})
    client.close()
