"""A model's encoder and decoder as functions written for its attributes. Pure: no I/O.

As `dataclasses` does with `__init__`: the source is made of names that are chosen here, never of what a
model says, and attributes and codecs are handed over as values. It takes half the time of a loop. What
is not plain is left to the loop, which knows how to say what is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streamer.dynamorm.attributes.fields import UNSET, Field
from streamer.dynamorm.values.low_level import AttributeValue, Item

Encode = Callable[[Mapping[str, Any], Item], None]
"""Writes values into an item; raises what a codec raises."""

Decode = Callable[[Callable[[str], AttributeValue | None]], dict[str, Any] | None]
"""Reads values through an item's `get`; None if an attribute without default is missing."""

_PLAIN_WRITES: Mapping[Any, str] = {
    str: '{"S": v} if type(v) is str else',
    bool: '{"BOOL": v} if v is True or v is False else',
    int: '{"N": repr(v)} if type(v) is int and -LARGE < v < LARGE else',
}

_PLAIN_READS: Mapping[Any, str] = {str: 'v["S"]', bool: 'v["BOOL"]'}

_LARGE = 10**37
"""Below it an integer has no more than the 38 digits that DynamoDB holds."""


def compile_encoder(fields: Iterable[Field]) -> Encode:
    """Return the function that writes these attributes."""
    lines = ["def encode(values, item):", "    get = values.get"]
    held: dict[str, Any] = {"LARGE": _LARGE}
    for place, field in enumerate(fields):
        held |= {f"name{place}": field.name, f"stored{place}": field.stored_name}
        held[f"encode{place}"] = field.codec.encode
        present = "v" if field.codec.empty is not None else "v is not None"
        lines += [
            f"    v = get(name{place})",
            f"    if {present}:",
            f"        item[stored{place}] = {_PLAIN_WRITES.get(field.plain, '')} encode{place}(v)",
        ]
    function: Encode = _compiled(lines, held, "encode")
    return function


def compile_decoder(fields: Iterable[Field]) -> Decode:
    """Return the function that reads these attributes."""
    lines = ["def decode(get):", "    values = {}"]
    held: dict[str, Any] = {}
    for place, field in enumerate(fields):
        held |= {f"name{place}": field.name, f"stored{place}": field.stored_name}
        held[f"decode{place}"] = field.codec.decode
        read = _PLAIN_READS.get(field.annotation, f"decode{place}(v)")
        lines += [
            f"    v = get(stored{place})",
            "    if v is not None:",
            f"        values[name{place}] = {read}",
        ]
        if field.required:
            lines += ["    else:", "        return None"]
        elif field.default is not UNSET:
            held[f"absent{place}"] = field.absent
            lines += ["    else:", f"        values[name{place}] = absent{place}()"]
    lines.append("    return values")
    function: Decode = _compiled(lines, held, "decode")
    return function


def _compiled(lines: list[str], held: Mapping[str, Any], name: str) -> Any:
    parameters = ", ".join(held)
    body = [f"def make({parameters}):", *(f"    {line}" for line in lines), f"    return {name}"]
    space: dict[str, Any] = {}
    exec("\n".join(body), space)  # noqa: S102  # of names made here, see the module
    return space["make"](**held)
