"""The rules of stream records: what is a change, how large it is, how a record reads. Values in, values out.

Items are in DynamoDB's wire form: attribute name -> {"S": "text"}, binary as base64 text.
"""

import base64
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Attributes = Mapping[str, Mapping[str, Any]]

TTL_IDENTITY = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
"""`userIdentity` of a deletion by time to live, as GetRecords spells it.

DynamoDB Developer Guide, "DynamoDB Streams and Time to Live".
"""

_NEW_IMAGE_VIEWS = {"NEW_IMAGE", "NEW_AND_OLD_IMAGES"}
_OLD_IMAGE_VIEWS = {"OLD_IMAGE", "NEW_AND_OLD_IMAGES"}
_COLLECTION_BYTES = 3
_ELEMENT_BYTES = 1


def is_change(old: Attributes | None, new: Attributes | None) -> bool:
    """Tell whether a write changed the item: one that does not leaves no record.

    Numbers are compared by value and sets without order, as DynamoDB stores them.

    Source:
        DynamoDB Developer Guide, "Change data capture for DynamoDB Streams".
    """
    if old is None or new is None:
        return old is not new
    if old.keys() != new.keys():
        return True
    return any(value != new[name] and canonical(value) != canonical(new[name]) for name, value in old.items())


def record(
    *,
    event_id: str,
    region: str,
    view: str,
    keys: Attributes,
    old: Attributes | None,
    new: Attributes | None,
    created_at: float,
    identity: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the record of a change, in the form that GetRecords answers with; `numbered` adds its number.

    An image is present only where the view asks for it and the item existed: REMOVE has no NewImage,
    INSERT no OldImage.

    Args:
        view: the stream's `StreamViewType`.
        old: the item before, None if there was none.
        new: the item after, None if it was deleted.
        created_at: epoch seconds; the record says it rounded down to the second.

    Source:
        Amazon DynamoDB Streams API reference, `Record` and `StreamRecord`.
    """
    change: dict[str, Any] = {"ApproximateCreationDateTime": float(math.floor(created_at)), "Keys": keys}
    size = attributes_bytes(keys)
    if new is not None and view in _NEW_IMAGE_VIEWS:
        change["NewImage"] = new
        size += attributes_bytes(new)
    if old is not None and view in _OLD_IMAGE_VIEWS:
        change["OldImage"] = old
        size += attributes_bytes(old)
    change |= {"SequenceNumber": "", "SizeBytes": size, "StreamViewType": view}
    whole: dict[str, Any] = {
        "eventID": event_id,
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
    }
    if identity is not None:
        whole["userIdentity"] = dict(identity)
    return whole


def numbered(made: dict[str, Any], sequence_number: int) -> dict[str, Any]:
    """Return a record with the number that its stream gave it."""
    made["dynamodb"]["SequenceNumber"] = str(sequence_number)
    return made


def attributes_bytes(attributes: Attributes) -> int:
    """Return the size of an item in bytes as DynamoDB counts it: names and values.

    Source:
        DynamoDB Developer Guide, "DynamoDB item sizes and formats"; recorded `SizeBytes` values.
    """
    size = 0
    for name, value in attributes.items():
        size += _text_bytes(name) + _value_bytes(value)
    return size


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return _text_bytes(content)
    if kind == "N":
        return _number_bytes(content)
    match kind:
        case "B":
            return len(base64.b64decode(content))
        case "SS" | "NS" | "BS":
            return sum(_value_bytes({kind[0]: element}) for element in content)
        case "L":
            return _COLLECTION_BYTES + sum(_ELEMENT_BYTES + _value_bytes(element) for element in content)
        case "M":
            return _COLLECTION_BYTES + len(content) * _ELEMENT_BYTES + attributes_bytes(content)
        case _:  # BOOL, NULL
            return 1


def _number_bytes(text: str) -> int:
    if "E" in text or "e" in text:
        text = format(Decimal(text), "f")
    digits = text.replace(".", "", 1).strip("-+0") if "." in text else text.strip("-+0")
    return (len(digits) + 1) // 2 + 1 if digits else 1


def _canonical_map(attributes: Attributes) -> dict[str, Any]:
    return {name: canonical(value) for name, value in attributes.items()}


def canonical(value: Mapping[str, Any]) -> tuple[str, Any]:
    """Return what is equal for equal values: numbers by value, sets without order."""
    kind, content = next(iter(value.items()))
    match kind:
        case "N":
            return kind, Decimal(content)
        case "NS":
            return kind, frozenset(map(Decimal, content))
        case "SS" | "BS":
            return kind, frozenset(content)
        case "L":
            return kind, [canonical(element) for element in content]
        case "M":
            return kind, _canonical_map(content)
        case _:
            return kind, content
