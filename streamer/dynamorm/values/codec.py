"""Python types to DynamoDB's low-level form, `{"N": "12"}`, and back. Pure: no I/O.

A codec is made once for each attribute from its annotation, so that no type is looked at twice.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from enum import Enum
from typing import Annotated, Any, Literal, NewType

from streamer.dynamorm.values.containers import (
    mapping_codec,
    optional_codec,
    sequence_codec,
    set_codec,
    struct_codec,
    tuple_codec,
)
from streamer.dynamorm.values.converters import Converter
from streamer.dynamorm.values.low_level import AttributeValue, Codec, Item
from streamer.dynamorm.values.scalars import SCALARS, choice_codec, enum_codec
from streamer.dynamorm.values.untyped import ANY, decode_any, encode_any

__all__ = ["AttributeValue", "Codec", "Item", "codec_for", "decode_any", "encode_any", "is_optional"]


def codec_for(annotation: Any) -> Codec:
    """Return the codec of a type.

    Known are `str`, `int`, `float`, `bool`, `bytes`, `Decimal`, `datetime` with a time zone, `date`,
    `UUID`, enums and `Literal`s of strings or integers, `NewType`s, `T | None`, lists, tuples, mappings
    with string keys, sets of what is stored as text, numbers or bytes, dataclasses and `msgspec.Struct`s
    of these, `Annotated` with a `Converter`, and `Any` or `object` (whatever the value is).

    Raises:
        TypeError: the type has no form in DynamoDB.
    """
    try:
        return _codec_for(annotation)
    except RecursionError:
        raise TypeError(f"{annotation} contains itself; store it as a mapping.") from None


def is_optional(annotation: Any) -> bool:
    """Whether None is a value of the type."""
    if typing.get_origin(annotation) is Annotated:
        return is_optional(typing.get_args(annotation)[0])
    return types.NoneType in typing.get_args(annotation)


def _codec_for(annotation: Any) -> Codec:
    if annotation is Any or annotation is object:
        return ANY
    try:
        simple = SCALARS.get(annotation)
    except TypeError:  # Annotated with something that has no hash
        simple = None
    if simple is not None:
        return simple
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _annotated_codec(arguments)
    if origin in (typing.Union, types.UnionType):
        return _union_codec(annotation, arguments)
    if origin is Literal:
        return choice_codec("one of the choices", {choice: choice for choice in arguments})
    if isinstance(annotation, NewType):
        return _codec_for(annotation.__supertype__)
    if isinstance(origin, type):
        found = _container_codec(annotation, origin, arguments)
    else:
        found = _class_codec(annotation) if isinstance(annotation, type) else None
    if found is None:
        raise TypeError(
            f"{annotation} has no form in DynamoDB; use one that the README lists, or give a Converter."
        )
    return found


def _annotated_codec(arguments: tuple[Any, ...]) -> Codec:
    for converter in arguments[1:]:
        if isinstance(converter, Converter):
            return _converted_codec(_codec_for(converter.stored), converter.write, converter.read)
    return _codec_for(arguments[0])


def _converted_codec(stored: Codec, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> Codec:
    encode, decode = stored.encode, stored.decode
    return Codec(lambda value: encode(write(value)), lambda held: read(decode(held)), kind=stored.kind)


def _union_codec(annotation: Any, arguments: tuple[Any, ...]) -> Codec:
    inner_types = [argument for argument in arguments if argument is not types.NoneType]
    if len(inner_types) != 1 or len(arguments) != 2:
        raise TypeError(f"{annotation}: a union is stored only as one type or None.")
    return optional_codec(_codec_for(inner_types[0]))


def _container_codec(annotation: Any, origin: type, arguments: tuple[Any, ...]) -> Codec | None:
    if issubclass(origin, Set):
        if is_optional(arguments[0]):
            raise TypeError(f"{annotation}: a set has no form in DynamoDB with None in it.")
        return set_codec(_codec_for(arguments[0]), set if origin is set else frozenset)
    if issubclass(origin, Mapping):
        if arguments[0] is not str:
            raise TypeError(f"{annotation}: a stored mapping has keys of type str.")
        return mapping_codec(_codec_for(arguments[1]))
    if issubclass(origin, tuple):
        if arguments[1:] == (...,):
            return sequence_codec(_codec_for(arguments[0]), tuple)
        return tuple_codec(tuple(_codec_for(argument) for argument in arguments))
    if issubclass(origin, Sequence):
        return sequence_codec(_codec_for(arguments[0]), list)
    return None


def _class_codec(annotation: type[Any]) -> Codec | None:
    if issubclass(annotation, Enum):
        return enum_codec(annotation)
    if dataclasses.is_dataclass(annotation):
        fields = [field for field in dataclasses.fields(annotation) if field.init]
        names = [field.name for field in fields]
        defaults = {field.name: _default(field) for field in fields}
    else:
        names = list(getattr(annotation, "__struct_fields__", ()))  # a msgspec.Struct
        if not names:
            return None
        held = annotation.__struct_defaults__
        defaults = dict(zip(names[len(names) - len(held) :], held, strict=True))
    hints = typing.get_type_hints(annotation, include_extras=True)
    return struct_codec(annotation, {name: _codec_for(hints[name]) for name in names}, defaults)


def _default(field: "dataclasses.Field[Any]") -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default
