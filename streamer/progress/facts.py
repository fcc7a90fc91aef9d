"""What an action says about its progress, as it can be sent. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streamer.errors import MetadataTooLarge
from streamer.protocol.codec import is_deeper
from streamer.protocol.limits import MAX_DEPTH, MAX_METADATA_BYTES

MAX_FIELD_LENGTH = 100
"""Characters of a field's name that an error tells. Ours."""


def sendable(message: str) -> str:
    """Return a message with a question mark for what UTF-8 has no form for.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(message, str):
        raise TypeError(f"The message of progress is text, not {type(message).__name__}.")
    return message if message.isascii() else message.encode(errors="replace").decode()


def snapshot(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as JSON has it now; what happens to its objects later does not change it.

    Raises:
        ValueError: JSON has no form for it, or it is deeper than a payload may be.
        MetadataTooLarge: no message carries it; says which field is the largest.
    """
    try:
        facts: dict[str, Any] = msgspec.to_builtins(metadata, str_keys=True)
        size_bytes = len(msgspec.json.encode(facts))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if is_deeper(facts, MAX_DEPTH):
        raise ValueError(f"more than {MAX_DEPTH} objects and arrays in one another")
    if size_bytes > MAX_METADATA_BYTES:
        raise _too_large(facts, size_bytes)
    return facts


def _too_large(facts: dict[str, Any], size_bytes: int) -> MetadataTooLarge:
    sizes = {name: len(msgspec.json.encode(value)) for name, value in facts.items()}
    largest = max(sizes, key=sizes.__getitem__)
    return MetadataTooLarge(
        largest[:MAX_FIELD_LENGTH],
        field_bytes=sizes[largest],
        size_bytes=size_bytes,
        limit_bytes=MAX_METADATA_BYTES,
    )
