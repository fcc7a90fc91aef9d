"""Refuses expressions that are wrong for every item, before an item is looked at."""

from collections.abc import Mapping
from typing import Any

from .flat import Condition, Update, compile_condition, compile_update
from .limits import Invalid
from .operands import Mistake

_CONDITIONS = {"ConditionExpression", "FilterExpression", "KeyConditionExpression"}


def check_meanings(
    expressions: Mapping[str, str],
    names: Mapping[str, str],
    values: Mapping[str, Any],
    reserved: frozenset[str],
) -> list[str]:
    """Refuse wrong grammar, operands and paths; return the top-level attributes that an update writes.

    Args:
        expressions: `ConditionExpression` and the like -> text; their placeholders are all defined.
        values: in wire form.
        reserved: words, in capitals, that are no attribute names.

    Raises:
        Invalid
    """
    written: list[str] = []
    for kind, text in expressions.items():
        compiled: Condition | Update
        try:
            if kind in _CONDITIONS:
                compiled = compile_condition(text, reserved)
                compiled.check(names, values)
            elif kind == "UpdateExpression":
                compiled = compile_update(text, reserved)
                compiled.check(names, values)
                written = compiled.written(names)
        except Mistake as mistake:
            raise Invalid(f"Invalid {kind}: {mistake}") from None
    return written
