"""Sets, lists, maps and structs in DynamoDB's low-level form. Pure: no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from streamer.dynamorm.values.low_level import AttributeValue, Codec
from streamer.dynamorm.values.scalars import encode_str

_SET_KINDS = {"S": "SS", "N": "NS", "B": "BS"}
_SEQUENCES = (list, tuple)
_SETS = (frozenset, set)
_NO_MEMBERS: frozenset[Any] = frozenset()


def optional_codec(inner: Codec) -> Codec:
    """`T | None` is written as T; None itself is the attribute's absence, and NULL inside a list or map."""
    encode_one, decode_one = inner.encode, inner.decode

    def encode(value: Any) -> AttributeValue:
        return {"NULL": True} if value is None else encode_one(value)

    def decode(stored: AttributeValue) -> Any:
        return None if "NULL" in stored else decode_one(stored)

    return replace(inner, encode=encode, decode=decode, empty=None)


def set_codec(member: Codec, container: Callable[[Any], Any]) -> Codec:
    """Return the codec of a set.

    Raises:
        TypeError: its members are no texts, numbers or bytes.
    """
    inner = member.kind
    if inner not in _SET_KINDS:
        raise TypeError("a set has no form in DynamoDB, except of what is stored as text, number or bytes")
    encode_one, decode_one, kind = member.encode, member.decode, _SET_KINDS[inner]

    def encode(value: Any) -> AttributeValue:
        if not value:
            raise ValueError("DynamoDB has no empty set")
        if type(value) not in _SETS and isinstance(value, (str, bytes, Mapping)):
            raise TypeError(f"expected a set, not {type(value).__name__}")
        return {kind: sorted([encode_one(one)[inner] for one in value])}

    def decode(stored: AttributeValue) -> Any:
        return container([decode_one({inner: one}) for one in stored[kind]])

    def encode_texts(value: Any) -> AttributeValue:
        texts = [one for one in value if type(one) is str] if type(value) in _SETS else ()
        if not texts or len(texts) != len(value):
            return encode(value)
        texts.sort()
        return {"SS": texts}

    def decode_texts(stored: AttributeValue) -> Any:
        return container(stored["SS"])

    if encode_one is encode_str:  # the most frequent: texts need no codec of their own
        return Codec(encode_texts, decode_texts, empty=container(()), kind=kind, member=member)
    return Codec(encode, decode, empty=container(()), kind=kind, member=member)


def mapping_key(key: Any) -> str:
    """Return a map's key, which is text."""
    if not isinstance(key, str):
        raise TypeError(f"a stored mapping has keys of type str, not {type(key).__name__}")
    return key


def mapping_codec(inner: Codec) -> Codec:
    """Return the codec of a mapping with keys of type str."""
    encode_one, decode_one = inner.encode, inner.decode

    def encode(value: Any) -> AttributeValue:
        return {
            "M": {
                (key if type(key) is str else mapping_key(key)): encode_one(item)
                for key, item in value.items()
            }
        }

    def decode(stored: AttributeValue) -> Any:
        return {key: decode_one(item) for key, item in stored["M"].items()}

    def decode_texts(stored: AttributeValue) -> Any:
        return {key: item["S"] for key, item in stored["M"].items()}

    if encode_one is encode_str:
        decode = decode_texts
    return Codec(encode, decode, kind="M", member=inner)


def sequence_codec(inner: Codec, container: Callable[[Any], Any]) -> Codec:
    """Return the codec of a list, or of a tuple of any length."""
    encode_one, decode_one = inner.encode, inner.decode

    def encode(value: Any) -> AttributeValue:
        if type(value) not in _SEQUENCES and isinstance(value, (str, bytes, Mapping)):
            raise TypeError(f"expected a list of values, not {type(value).__name__}")
        return {"L": [encode_one(item) for item in value]}

    def decode(stored: AttributeValue) -> Any:
        return container([decode_one(item) for item in stored["L"]])

    def encode_texts(value: Any) -> AttributeValue:
        if type(value) not in _SEQUENCES:
            return encode(value)
        return {"L": [{"S": item} if type(item) is str else encode_one(item) for item in value]}

    def decode_texts(stored: AttributeValue) -> Any:
        return container([item["S"] for item in stored["L"]])

    if encode_one is encode_str:
        return Codec(encode_texts, decode_texts, kind="L", member=inner)
    return Codec(encode, decode, kind="L", member=inner)


def tuple_codec(parts: tuple[Codec, ...]) -> Codec:
    """Return the codec of a tuple that has one value of each of these types."""

    def encode(value: Any) -> AttributeValue:
        if not isinstance(value, tuple) or len(value) != len(parts):
            raise TypeError(f"expected a tuple of {len(parts)} values")
        return {"L": [part.encode(one) for part, one in zip(parts, value, strict=True)]}

    def decode(stored: AttributeValue) -> Any:
        return tuple([part.decode(one) for part, one in zip(parts, stored["L"], strict=True)])

    return Codec(encode, decode, kind="L", fields={place: (place, part) for place, part in enumerate(parts)})


def struct_codec(struct: type[Any], codecs: Mapping[str, Codec], defaults: Mapping[str, Any]) -> Codec:
    """A struct is a map; a field that is None, or an empty set, is left out if that is its default.

    Args:
        codecs: how each field is written, by the names under which the struct takes it.
        defaults: the defaults of the fields that have one.
    """
    empty = object()
    encoders = [(name, codec.encode, defaults.get(name, empty)) for name, codec in codecs.items()]
    decoders = [(name, codec.decode) for name, codec in codecs.items()]

    def encode(value: Any) -> AttributeValue:
        if not isinstance(value, struct):
            raise TypeError(f"expected {struct.__name__}, not {type(value).__name__}")
        fields = {}
        for name, write, default in encoders:
            inner = getattr(value, name)
            if (inner is not None and inner != _NO_MEMBERS) or inner != default:
                fields[name] = write(inner)
        return {"M": fields}

    def decode(stored: AttributeValue) -> Any:
        fields = stored["M"]
        return struct(**{name: read(fields[name]) for name, read in decoders if name in fields})

    return Codec(encode, decode, kind="M", fields={name: (name, codec) for name, codec in codecs.items()})
