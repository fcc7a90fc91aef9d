"""A request's payload: plain JSON to the type that an action declares, or a sentence that says why not."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streamer.errors import InvalidMessage


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an action's payload derives from: immutable, and a field that it doesn't know is refused.

    A misspelt optional field would otherwise be taken for its default, and the client would get
    the answer to another question. An action that wants to tolerate more says so itself:
    `class Loose(Payload, forbid_unknown_fields=False)`. Rules over several fields go into
    `__post_init__`, which raises ValueError with one sentence.
    """


def parse_payload(name: str, kind: Any, payload: Mapping[str, Any]) -> Any:
    """Read `payload` as `kind`, strictly: no text is taken for a number, no 1 for true.

    Args:
        name: the action, for the sentence.
        kind: any type that msgspec reads; a `Payload`, or `dict[str, Any]` for any object.

    Raises:
        InvalidMessage: it doesn't fit; the sentence names the field and lists what the action takes.
        TypeError: a rule of the payload's own failed; nothing of it is for clients.
    """
    try:
        return msgspec.convert(dict(payload), kind, strict=True)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ValueError):  # a rule of the payload's own, in its own words
            raise refused(name, error.__cause__) from error
        if error.__cause__ is not None:  # a fault of the rule: msgspec would tell its words as its own
            raise error.__cause__ from None
        raise InvalidMessage(f"The payload of {name} does not fit: {error}; {describe(kind)}.") from error


def refused(name: str, error: ValueError) -> InvalidMessage:
    """Return what a payload's own rule said as the error that a client is told."""
    return InvalidMessage(f"The payload of {name} does not fit: {str(error).rstrip('.')}.")


def describe(kind: Any) -> str:
    """Say in words which fields a payload has: `it takes day (date as YYYY-MM-DD), format? (csv or json)`."""
    from msgspec import inspect  # only a refusal needs it

    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        return "it takes an object"
    if not info.fields:
        return "it takes no fields"
    fields = (f"{f.encode_name}{'' if f.required else '?'} ({_words(f.type)})" for f in info.fields)
    return f"it takes {', '.join(fields)}"


def _words(kind: Any) -> str:
    from msgspec import inspect

    match kind:
        case inspect.Metadata(extra_json_schema={"enum": [*values]}):
            return _either(str(value) for value in values)
        case inspect.Metadata(type=inner):
            return _words(inner)
        case inspect.LiteralType(values=values):
            return _either(str(value) for value in values)
        case inspect.EnumType(cls=choices):
            return _either(str(choice.value) for choice in choices)
        case inspect.UnionType(types=kinds):
            return _either(_words(member) for member in kinds)
        case inspect.StrType():
            return "text"
        case inspect.IntType():
            return "whole number"
        case inspect.FloatType():
            return "number"
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case inspect.DateType():
            return "date as YYYY-MM-DD"
        case inspect.DateTimeType():
            return "time as ISO 8601"
        case inspect.ListType() | inspect.SetType() | inspect.VarTupleType() | inspect.TupleType():
            return "list"
        case _:
            return "object"


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
