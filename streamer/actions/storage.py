"""Objects in S3, read piece by piece and written whole. No other module of the actions knows botocore."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from streamer.errors import ServiceUnavailable

CHUNK_BYTES = 65_536
"""Bytes of an object that are in memory at a time. Ours."""

_ABSENT = {"NoSuchKey", "404", "NoSuchBucket"}

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is being read.

    Attributes:
        size_bytes: of the whole.
        chunks: its content in order; raises ServiceUnavailable when the connection breaks. Can be
            gone through once.
    """

    size_bytes: int
    chunks: Iterator[bytes]


def find_object(client: Any, bucket: str, key: str) -> StoredObject | None:
    """Begin to read an object; None when there is none.

    Args:
        client: boto3's `s3`. Its role needs `s3:ListBucket`: without it S3 answers 403 for what is
            absent, and that counts as a failure here.

    Raises:
        ServiceUnavailable: S3 doesn't answer, or refuses.
    """
    try:
        response = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise ServiceUnavailable("The file store refuses for now; try again later.") from error
    except BotoCoreError as error:
        raise ServiceUnavailable("The file store does not answer; try again later.") from error
    return StoredObject(response["ContentLength"], _chunks(response["Body"]))


def put_object(
    client: Any,
    bucket: str,
    key: str,
    body: bytes | IO[bytes],
    *,
    content_type: str,
    metadata: Mapping[str, str],
) -> None:
    """Write an object, in the place of one that is there.

    Args:
        body: a file is read from where it stands.
        metadata: ASCII, as HTTP headers are.

    Raises:
        ServiceUnavailable: S3 doesn't answer, or refuses.
    """
    _call(
        lambda: client.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=content_type, Metadata=dict(metadata)
        )
    )


def _chunks(body: Any) -> Iterator[bytes]:
    try:
        while chunk := _call(lambda: body.read(CHUNK_BYTES)):
            yield chunk
    finally:
        body.close()


def _call(operation: Callable[[], R]) -> R:
    try:
        return operation()
    except (BotoCoreError, ClientError) as error:
        raise ServiceUnavailable("The file store does not answer; try again later.") from error
