"""Payloads and results as text: what JSON has is kept exactly. Pure: no I/O."""

import hashlib
import json
from typing import Any

import msgspec

from streamer.errors import StreamerError
from streamer.store.limits import MAX_STORED_BYTES

_decoder = msgspec.json.Decoder()


def write_document(value: Any, *, what: str, error: type[StreamerError]) -> str:
    """Return a value as JSON text.

    Mappings, lists, text, numbers, booleans and None are written as they are; structs, dataclasses,
    dates and the like as msgspec writes them.

    Args:
        what: the noun for the sentence, "The result".
        error: what to raise.

    Raises:
        StreamerError: of class `error`; the value is no JSON, or more than an item may hold.
    """
    try:
        text = json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            default=msgspec.to_builtins,
        )
        size_bytes = len(text.encode())
    except (TypeError, ValueError, RecursionError) as fault:
        raise error(f"{what} cannot be written as JSON; use objects, arrays, text and numbers.") from fault
    # What is larger goes to S3 by key, when its turn comes: here is the place.
    if size_bytes > MAX_STORED_BYTES:
        raise error(
            f"{what} has {size_bytes} bytes and at most {MAX_STORED_BYTES} are stored; store less.",
            details={"bytes": size_bytes, "limit_bytes": MAX_STORED_BYTES},
        )
    return text


def read_document(text: str) -> Any:
    """Return the value that `write_document` wrote."""
    return _decoder.decode(text)


def digest(action: str, payload: Any) -> str:
    """Return what is equal for equal requests: SHA-256 of action and payload, whatever the order of keys."""
    text = json.dumps([action, payload], sort_keys=True, separators=(",", ":"), default=msgspec.to_builtins)
    return hashlib.sha256(text.encode()).hexdigest()
