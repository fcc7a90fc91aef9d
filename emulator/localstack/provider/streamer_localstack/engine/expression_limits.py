"""DynamoDB's limits on expressions, and whether their placeholders are defined. Values in; nothing of moto.

Messages are AWS's where a recorded one is known, and say so where they are ours.
"""

import re
from collections.abc import Mapping
from typing import Any

from .limits import Invalid
from .records import attributes_bytes

MAX_EXPRESSION_BYTES = 4096
MAX_EXPRESSION_OPERATORS = 300
MAX_SUBSTITUTION_BYTES = 2 * 1024 * 1024
"""DynamoDB Developer Guide, "Service, account, and table quotas", "Expression parameters"."""

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")
_OPERATOR = re.compile(r"<>|<=|>=|[=<>+\-]|\b(?:AND|OR|NOT|BETWEEN|IN)\b|[A-Za-z_]+\s*(?=\()", re.IGNORECASE)


def check_expressions(
    expressions: Mapping[str, str], names: Mapping[str, str] | None, values: Mapping[str, Any] | None
) -> None:
    """Refuse expressions that are too large, or whose placeholders and definitions do not fit together.

    Args:
        expressions: `ConditionExpression` and the like -> text; those that the request has.

    Raises:
        Invalid
    """
    if not expressions:
        for what, given in (("Names", names), ("Values", values)):
            if given is not None:
                raise Invalid(f"ExpressionAttribute{what} can only be specified when using expressions")
        return
    for what, given in (("Names", names), ("Values", values)):
        if given is not None and not given:
            raise Invalid(f"ExpressionAttribute{what} must not be empty")
    for kind, text in expressions.items():
        _check_size(kind, text)
    _check_substitutions(names or {}, values or {})
    _check_placeholders(expressions, names or {}, _NAME, "Names", "name used in the document path", "name")
    _check_placeholders(expressions, values or {}, _VALUE, "Values", "value used in expression", "value")


def _check_size(kind: str, text: str) -> None:
    size = len(text.encode())
    if not text.strip():
        raise Invalid(f"Invalid {kind}: The expression can not be empty;")
    if size > MAX_EXPRESSION_BYTES:
        raise Invalid(
            f"Invalid {kind}: Expression size has exceeded the maximum allowed size; expression size: {size}"
        )
    if size <= MAX_EXPRESSION_OPERATORS:
        return
    found = (match.group().strip().upper() for match in _OPERATOR.finditer(text))
    operators = sum(1 for each in found if each not in {"SET", "REMOVE", "ADD", "DELETE"})
    if operators > MAX_EXPRESSION_OPERATORS:  # the text is ours
        raise Invalid(
            f"Invalid {kind}: The expression has more than the {MAX_EXPRESSION_OPERATORS} operators that are "
            f"allowed; number of operators: {operators}"
        )


def _check_substitutions(names: Mapping[str, str], values: Mapping[str, Any]) -> None:
    size = attributes_bytes(values) + sum(len(name) + len(named.encode()) for name, named in names.items())
    if size > MAX_SUBSTITUTION_BYTES:  # the text is ours, and that a placeholder counts with what it is for
        raise Invalid("ExpressionAttributeNames and ExpressionAttributeValues exceed max size of 2 MB")


def _check_placeholders(
    expressions: Mapping[str, str],
    defined: Mapping[str, Any],
    form: re.Pattern[str],
    plural: str,
    where: str,
    what: str,
) -> None:
    used = set()
    for kind, text in expressions.items():
        for name in form.findall(text):
            if name not in defined:
                raise Invalid(
                    f"Invalid {kind}: An expression attribute {where} is not defined; "
                    f"attribute {what}: {name}"
                )
            used.add(name)
    unused = [name for name in defined if name not in used]
    if unused:
        raise Invalid(
            f"Value provided in ExpressionAttribute{plural} unused in expressions: "
            f"keys: {{{', '.join(unused)}}}"
        )
