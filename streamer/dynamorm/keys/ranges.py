"""A range of one component as a range of the key that it ends. Pure: no I/O."""

from streamer.dynamorm.expressions.conditions import BeginsWith, Between, Comparison, Condition
from streamer.dynamorm.expressions.operands import Operand
from streamer.dynamorm.keys.key_parts import raw_component
from streamer.dynamorm.keys.templates import KeyTemplate, encode_component


class NotARange(Exception):
    """The keys in the range do not stand side by side; says why."""


def range_of(fact: Condition, key: str, prefix: str, template: KeyTemplate, component: str) -> Condition:
    """Return the condition on a key that holds where `fact` holds of its component.

    Args:
        prefix: what stands before the component; all such keys lie between it and `_end(prefix)`.

    Raises:
        NotARange: no single condition on the key says it.
        EncodingFailed: a value cannot stand in the key.
    """
    segment = next(held for held in template.segments if held.is_component and held.text == component)
    if isinstance(fact, BeginsWith):
        start = _raw(fact.prefix)
        if not isinstance(start, str) or segment.width is not None:
            raise NotARange(f"takes no begins_with of {component}, which is no text")
        return BeginsWith((key,), {"S": prefix + encode_component(start)})
    if template.segments[-1] != segment:
        raise NotARange(f"takes no range of {component}, because it does not end the key")

    def written(operand: Operand) -> str:
        raw = _raw(operand)
        if isinstance(raw, int) and segment.width is None:
            raise NotARange(
                f"takes no range of {component}, whose keys are not in the order of numbers;"
                f" give it digits in the template, {{{component}:012}}"
            )
        return template.render_last(prefix, raw)

    if isinstance(fact, Between):
        return Between((key,), {"S": written(fact.low)}, {"S": written(fact.high)})
    assert isinstance(fact, Comparison)
    value = written(fact.right)
    if not prefix:
        return Comparison((key,), fact.operator, {"S": value})
    match fact.operator:
        case ">=":
            return Between((key,), {"S": value}, {"S": _end(prefix)})
        case ">":
            return Between((key,), {"S": value + "\0"}, {"S": _end(prefix)})
        case "<=":
            return Between((key,), {"S": prefix}, {"S": value})
    raise NotARange(f"takes no {fact.operator} of {component}; use <= or between with the value before")


def _raw(operand: Operand) -> str | int:
    assert isinstance(operand, dict)
    return raw_component(operand)


def _end(prefix: str) -> str:
    """Return what comes right behind all keys with a prefix: its last `#` becomes a `$`, which no key has."""
    return prefix[:-1] + "$"
