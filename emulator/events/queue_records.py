"""Messages of SQS in the form that Lambda functions receive, and which of them they receive. Values only."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from emulator.account import REGION
from emulator.errors import InvalidApplication
from emulator.events.filters import Filter
from emulator.events.queues import Message

_FIRST_ATTRIBUTES = (
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "SentTimestamp",
    "SequenceNumber",
    "MessageGroupId",
    "SenderId",
    "MessageDeduplicationId",
    "ApproximateFirstReceiveTimestamp",
)


def message(received: Mapping[str, Any], *, queue_arn: str, received_at: float) -> Message:
    """Return one message of a ReceiveMessage response as Lambda passes it to functions.

    Args:
        received: as boto3 returns it: binaries as `bytes`.
        received_at: on the clock's monotonic sense.

    Shape:
        `messageId`, `receiptHandle`, `body`, `attributes` {`ApproximateReceiveCount`, `AWSTraceHeader`?,
        `SentTimestamp`, `SequenceNumber`?, `MessageGroupId`?, `SenderId`, `MessageDeduplicationId`?,
        `ApproximateFirstReceiveTimestamp`, … (texts)}, `messageAttributes`
        {name: {`stringValue`? | `binaryValue`? (base64), `stringListValues` [], `binaryListValues` [],
        `dataType`}}, `md5OfMessageAttributes`?, `md5OfBody`, `eventSource`, `eventSourceARN`, `awsRegion`.

    Source:
        Lambda Developer Guide, "Using Lambda with Amazon SQS"; the empty lists and the place of
        `md5OfMessageAttributes` as in events that developers recorded on AWS.
    """
    system = received.get("Attributes", {})
    attributes = {name: system[name] for name in _FIRST_ATTRIBUTES if name in system}
    event: dict[str, Any] = {
        "messageId": received["MessageId"],
        "receiptHandle": received["ReceiptHandle"],
        "body": received["Body"],
        "attributes": attributes | {name: text for name, text in system.items() if name not in attributes},
        "messageAttributes": {
            name: _attribute(value) for name, value in received.get("MessageAttributes", {}).items()
        },
    }
    if digest := received.get("MD5OfMessageAttributes"):
        event["md5OfMessageAttributes"] = digest
    event |= {
        "md5OfBody": received["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
    return Message(
        received["MessageId"], received["ReceiptHandle"], received_at, event, msgspec.json.encode(event)
    )


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    lowered: dict[str, Any] = {}
    if "StringValue" in value:
        lowered["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        lowered["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return lowered | {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


class BodyFilter:
    """Decides which messages a mapping lets through, by their body.

    A pattern for `body` that is an object wants JSON, one that is a list wants a plain text; a body of
    the other kind does not match, whatever is in it. What counts as JSON is an object or an array.

    Raises:
        InvalidApplication: a pattern is not one, or looks at something else than `body`.

    Source:
        Lambda Developer Guide, "Using event filtering with an Amazon SQS event source".
    """

    def __init__(self, patterns: Sequence[Mapping[str, Any]]) -> None:
        for pattern in patterns:
            other = [name for name in pattern if name != "body"] if isinstance(pattern, Mapping) else []
            if other:
                raise InvalidApplication(
                    f"A filter of a queue mapping looks at {other[0]!r}; Lambda filters them by body only."
                )
        # What looks at no body at all takes any; the others want one kind of it.
        self._takes_all = not patterns or any(not pattern for pattern in patterns)
        for_json = [pattern for pattern in patterns if _wants_json(pattern)]
        for_text = [pattern for pattern in patterns if not _wants_json(pattern)]
        self._json = Filter(for_json) if for_json else None
        self._text = Filter(for_text) if for_text else None

    def matches(self, body: str) -> bool:
        """Tell whether a message with `body` passes."""
        if self._takes_all:
            return True
        value = _json_container(body)
        if value is None:
            return self._text is not None and self._text.matches({"body": body})
        return self._json is not None and self._json.matches({"body": value})


def _wants_json(pattern: Any) -> bool:
    return isinstance(pattern, Mapping) and isinstance(pattern.get("body"), Mapping)


def _json_container(body: str) -> Any:
    """Return the object or array that `body` is as JSON; None: it is neither."""
    if body.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
