"""What a request's body must look like before anybody reads it, by the service's own description. Pure rules.

The SDKs see to it themselves; what comes here is written by hand. Wrong types are refused before anything
else is looked at, with `SerializationException`.

Messages are those that were recorded on DynamoDB for one member (dynalite's tests against it); those about
text, nulls and nesting are ours.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

Read = Callable[[Any], None]
"""Raises Unreadable for a value that is not of a shape; takes members out that are null."""

_TEXT = ("S", "N")
_WORDS: Mapping[type, str] = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}
_NUMBERS: Mapping[str, str] = {"integer": "Integer", "long": "Long", "float": "Float", "double": "Double"}


class Unreadable(Exception):
    """A body that is no request of the operation; `str()` is the message, `""` where AWS has none."""


def read(body: bytes, shape: Read) -> dict[str, Any]:
    """Return a request's body, which is of the operation's input shape; an empty one counts as `{}`.

    Raises:
        Unreadable: it is not.
    """
    try:
        text = body.decode()
        value = json.loads(text) if text else {}
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise Unreadable("Text with half a surrogate pair cannot be encoded as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("") from error
    try:
        shape(value)
    except RecursionError as error:
        raise Unreadable("The request is nested too deep") from error
    assert isinstance(value, dict)
    return value


def reader_of(shape: Any) -> Read:
    """Return what looks at a value of a shape; the only one that contains itself is an attribute value.

    Args:
        shape: botocore's `Shape`.
    """
    if shape.name == "AttributeValue":
        return _read_attribute_value
    match shape.type_name:
        case "structure":
            return _structure({name: reader_of(member) for name, member in shape.members.items()})
        case "list":
            return _list(reader_of(shape.member))
        case "map":
            return _map(reader_of(shape.value))
        case "string":
            return _read_text
        case "blob":
            return _read_blob
        case "boolean":
            return _read_boolean
        case "integer" | "long" | "float" | "double" as kind:
            return _number(_NUMBERS[kind])
    return _read_anything


def _structure(members: Mapping[str, Read]) -> Read:
    def look(value: Any) -> None:
        if type(value) is not dict:
            raise _not_a_structure(value)
        absent = []
        for name, content in value.items():
            if content is None:
                absent.append(name)
            elif name in members:
                members[name](content)
        for name in absent:
            del value[name]

    return look


def _list(member: Read) -> Read:
    def look(value: Any) -> None:
        if type(value) is not list:
            raise _not_a_list(value)
        for element in value:
            if element is None and member is not _read_attribute_value:
                raise Unreadable("A list has a null where a value is expected")
            member(element)

    return look


def _map(member: Read) -> Read:
    def look(value: Any) -> None:
        if type(value) is not dict:
            raise _not_a_map(value)
        for element in value.values():
            if element is None and member is not _read_attribute_value:
                raise Unreadable("A map has a null where a value is expected")
            member(element)

    return look


def _number(kind: str) -> Read:
    def look(value: Any) -> None:
        if type(value) not in (int, float):
            raise _scalar(value, kind)

    return look


def _read_text(value: Any) -> None:
    if type(value) is not str:
        raise _scalar(value, "String")


def _read_boolean(value: Any) -> None:
    if type(value) is str:
        raise Unreadable("Unexpected token received from parser")
    if type(value) is not bool:
        raise _scalar(value, "Boolean")


def _read_blob(value: Any) -> None:
    if type(value) is not str:
        if isinstance(value, dict | list):
            raise _scalar(value, "java.nio.ByteBuffer")
        raise Unreadable("only base-64-encoded strings are convertible to bytes")
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        if len(value) % 4:
            raise Unreadable(
                f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(value)}"
            ) from error
        raise Unreadable(f"Invalid Base64 value: {value[:100]!r}") from error


def _read_anything(_value: Any) -> None:
    pass


def _read_attribute_value(value: Any) -> None:
    """Look at an attribute value, which most of a request consists of: text in an object first."""
    if value is None:
        return
    if type(value) is not dict:
        raise _not_a_structure(value)
    for kind, content in value.items():
        if kind in _TEXT and type(content) is str:
            continue
        if content is not None and kind in _OF_ATTRIBUTE_VALUE:
            _OF_ATTRIBUTE_VALUE[kind](content)


_OF_ATTRIBUTE_VALUE: Mapping[str, Read] = {
    "S": _read_text,
    "N": _read_text,
    "B": _read_blob,
    "BOOL": _read_boolean,
    "NULL": _read_boolean,
    "SS": _list(_read_text),
    "NS": _list(_read_text),
    "BS": _list(_read_blob),
    "L": _list(_read_attribute_value),
    "M": _map(_read_attribute_value),
}


def _scalar(value: Any, wanted: str) -> Unreadable:
    if type(value) is dict:
        return Unreadable("Start of structure or map found where not expected")
    if type(value) is list:
        return Unreadable(f"Unrecognized collection type class {_java(wanted)}")
    word = f"{value}_VALUE".upper() if isinstance(value, bool) else _WORDS[type(value)]
    return Unreadable(f"{word} cannot be converted to {wanted}")


def _not_a_list(value: Any) -> Unreadable:
    if type(value) is dict:
        return Unreadable("Start of structure or map found where not expected")
    return Unreadable("Unexpected field type")


def _not_a_map(value: Any) -> Unreadable:
    if type(value) is list:
        return Unreadable("Unrecognized collection type java.util.Map")
    return Unreadable("Unexpected field type")


def _not_a_structure(value: Any) -> Unreadable:
    if type(value) is list:
        return Unreadable("Unrecognized collection type")
    return Unreadable("Unexpected value type in payload")


def _java(wanted: str) -> str:
    return wanted if "." in wanted else f"java.lang.{wanted}"
