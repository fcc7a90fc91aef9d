"""What ties the timeline's entries to a request: found when they are recorded, followed when they are read.

An entry's fact `about` lists the requests that it is about, each as the ids under which it is known:
`[{"request_id"?, "correlation_id"?}]`. They are read from what an application of this kind says anyway:
the gateway's own ids in an event, and fields named `request_id` and `correlation_id` (of a message also
`id`) in messages, events and items. Nothing else of a body is looked at, and nothing of it is kept.
Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from emulator.telemetry.redaction import redact_text

MAX_ID_CHARS = 128
"""Longer texts are taken for no id. The longest of ours; AWS's own are shorter."""

MAX_LOOKED_AT_BYTES = 1_048_576
"""Larger events are not searched: reading them would cost more than a millisecond or two."""

MAX_REQUESTS = 100
"""Requests that one entry names at most; a stream batch of the default size."""

About = list[dict[str, str]]


class _Message(Struct):
    type: Any = None
    action: Any = None
    id: Any = None
    request_id: Any = None
    correlation_id: Any = None


class _RequestContext(Struct):
    request_id: Any = msgspec.field(name="requestId", default=None)
    connection_id: Any = msgspec.field(name="connectionId", default=None)


class _Attribute(Struct):
    S: Any = None


class _Image(Struct):
    request_id: _Attribute | None = None
    correlation_id: _Attribute | None = None


class _Change(Struct):
    new: _Image | None = msgspec.field(name="NewImage", default=None)
    old: _Image | None = msgspec.field(name="OldImage", default=None)


class _Record(Struct):
    change: _Change | None = msgspec.field(name="dynamodb", default=None)


class _Event(Struct):
    context: _RequestContext | None = msgspec.field(name="requestContext", default=None)
    records: list[_Record] | None = msgspec.field(name="Records", default=None)
    failed: "_Event | None" = msgspec.field(name="requestPayload", default=None)
    request_id: Any = None
    correlation_id: Any = None


_messages = msgspec.json.Decoder(_Message)
_events = msgspec.json.Decoder(_Event)


def of_message(body: str | bytes) -> dict[str, Any]:
    """Return the facts of a message that crossed a socket: `type`?, `action`?, `about`?, or none."""
    try:
        message = _messages.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    facts: dict[str, Any] = {
        name: text
        for name, text in (("type", _text(message.type)), ("action", _text(message.action)))
        if text is not None
    }
    return facts | _about([_named(message.request_id or message.id, message.correlation_id)])


def of_event(payload: bytes) -> dict[str, Any]:
    """Return the facts of what a function receives: `connection_id`?, `about`?; `{}` if it has none.

    Understood are events of a WebSocket API, of a DynamoDB stream and of an on-failure destination, and
    payloads of one's own that name a request.
    """
    if len(payload) > MAX_LOOKED_AT_BYTES:
        return {}
    try:
        event = _events.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    if event.failed is not None:  # its `requestContext` names the invocation that failed
        named = _named(event.failed.request_id, event.failed.correlation_id)
        if event.context is not None and (invocation := _text(event.context.request_id)):
            named["invocation_id"] = invocation
        return _about([named])
    if event.records is not None:
        return _about(_of_change(record.change) for record in event.records)
    if event.context is not None:
        connection_id = _text(event.context.connection_id)
        facts = {} if connection_id is None else {"connection_id": connection_id}
        return facts | _about([_named(None, event.context.request_id)])
    return _about([_named(event.request_id, event.correlation_id)])


def of_records(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the facts of stream records in the form that functions receive: `about`?."""
    found = []
    for record in records:
        try:
            found.append(_of_change(msgspec.convert(record.get("dynamodb"), _Change)))
        except msgspec.ValidationError:
            continue
    return _about(found)


def related(entries: Sequence[Mapping[str, Any]], wanted: str) -> list[Mapping[str, Any]]:
    """Return the entries that belong to one request, in their order.

    An entry belongs to it if it names one of its ids; the ids that it names beside are the request's too,
    and so on. A stream batch, and what was invoked with it, belongs to all its requests but does not
    make them one. Two users' requests under one id are not told apart.

    Args:
        entries: `{"kind", "facts", …}` each.
        wanted: any id of the request: its own, its correlation id (the gateway's request id), that of an
            invocation for it; or a connection's id, which takes all that happened on it.
    """
    ids = {wanted}
    ties = [_ties(entry["facts"], wanted) for entry in entries]
    found: set[int] = set()
    while True:
        before = len(ids), len(found)
        for index, (own, groups, is_meant) in enumerate(ties):
            hits = [group for group in groups if group & ids]
            if (is_meant or own in ids) and len(groups) == 1:
                hits = groups
            if hits or is_meant or own in ids:
                found.add(index)
                ids.update(*hits)
                if own is not None:
                    ids.add(own)
        if (len(ids), len(found)) == before:
            return [entries[index] for index in sorted(found)]


def _ties(facts: Mapping[str, Any], wanted: str) -> tuple[str | None, list[set[str]], bool]:
    """Return an entry's own id, the ids of its requests, and whether its connection is wanted."""
    groups = [set(named.values()) for named in facts.get("about", ())]
    return facts.get("request_id"), groups, facts.get("connection_id") == wanted


def _of_change(change: _Change | None) -> dict[str, str]:
    image = None if change is None else change.new or change.old
    if image is None:
        return {}
    return _named(
        image.request_id.S if image.request_id else None,
        image.correlation_id.S if image.correlation_id else None,
    )


def _named(request_id: Any, correlation_id: Any) -> dict[str, str]:
    ids = {"request_id": _text(request_id), "correlation_id": _text(correlation_id)}
    return {name: text for name, text in ids.items() if text is not None}


def _about(named: Iterable[dict[str, str]]) -> dict[str, Any]:
    about: About = []
    for ids in named:
        if ids and ids not in about and len(about) < MAX_REQUESTS:
            about.append(ids)
    return {"about": about} if about else {}


def _text(value: Any) -> str | None:
    return redact_text(value) if isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS else None
