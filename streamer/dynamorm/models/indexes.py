"""Which key a query uses, and what its conditions on attributes are as conditions on that key. Pure: no I/O.

The rule: the table, if its key takes every condition; else the one index whose key does; if there are
several, the query must name one. It looks at the set of conditions, never at their order.

Source: DynamoDB Developer Guide, "Key condition expressions for the Query operation".
"""

from collections.abc import Iterable, Mapping, Sequence

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.conditions import (
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Not,
    Or,
    parts_of,
)
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.keys.key_parts import KeyPart, raw_component
from streamer.dynamorm.keys.ranges import NotARange, range_of
from streamer.dynamorm.models.model_schema import Schema
from streamer.dynamorm.schema import Projection

Fact = Comparison | Between | BeginsWith
"""A condition that a key can take: one attribute, compared with values."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a query reads.

    Attributes:
        index: None: the table.
        where: on the key attributes.
    """

    index: str | None
    where: Condition


class _Unfit(Exception):
    """A key cannot take the conditions; says why."""


def resolve(
    schema: Schema, where: Condition, *, index: str | None = None, consistent: bool = False
) -> Access:
    """Return the key that takes all conditions of a query.

    Args:
        where: conditions on attributes that keys are made of, or on the key attributes, joined by `&`.
        index: the index to use; None: chosen by the rule.
        consistent: whether the read must be consistent, which no index can be.

    Raises:
        InvalidModel: no key takes them, or several indexes do; names them.
        EncodingFailed: a value cannot stand in a key.
    """
    facts = _facts(parts_of(where))
    fitting, reasons = [], []
    for candidate in _candidates(schema, index, consistent=consistent):
        try:
            fitting.append(Access(candidate, _key_condition(schema, candidate, facts)))
        except _Unfit as unfit:
            reasons.append(f"{_named(schema, candidate)} {unfit}")
    if not fitting:
        raise InvalidModel(f"No key takes this query of {schema.model}: {'; '.join(reasons)}.")
    if len(fitting) > 1 and fitting[0].index is not None:
        names = ", ".join(str(access.index) for access in fitting)
        raise InvalidModel(f"Indexes {names} of {schema.model} all take this query; name one, index=...")
    return fitting[0]


def check_filter(
    schema: Schema,
    where: Condition,
    kept: Condition,
    *,
    index: str | None,
    chosen: str | None,
    consistent: bool,
) -> None:
    """Refuse a filter that a key could do for less: DynamoDB reads, and charges, what a filter drops.

    Args:
        kept: the filter.
        index: the index that the query named; None: none.
        chosen: the one that it uses.

    Raises:
        InvalidModel: a part of it is a key condition; says of which key.
    """
    keys = schema.table.key_names(chosen)
    for part in parts_of(kept):
        name = _name(part)
        if name is None:
            continue
        if name in keys:
            raise InvalidModel(
                f"{name} is a key of {_named(schema, chosen)}, which DynamoDB does not filter by;"
                " say it in where."
            )
        for candidate in _candidates(schema, index, consistent=consistent):
            if schema.loaded(candidate) is None and _takes(schema, candidate, (*parts_of(where), part)):
                named = "" if candidate is None else f", with index={candidate!r}"
                raise InvalidModel(
                    f"The filter on {name} is a key condition of {_named(schema, candidate)};"
                    f" say it in where{named}."
                )


def check_scan(schema: Schema, kept: Condition) -> None:
    """Refuse a scan's filter that names a whole partition: a query would read that alone.

    Raises:
        InvalidModel: it does; says of which key.
    """
    equal = {_name(part) for part in parts_of(kept) if isinstance(part, Comparison) and part.operator == "="}
    for candidate in _candidates(schema, None, consistent=False):
        first = _parts(schema, candidate)[0]
        wanted = {field.stored_name for field in first.fields.values()}
        if wanted and wanted <= equal and schema.loaded(candidate) is None:
            named = "" if candidate is None else f", with index={candidate!r}"
            raise InvalidModel(
                f"The filter names one partition of {_named(schema, candidate)}; query it, with"
                f" {' and '.join(sorted(wanted))} in where{named}."
            )


def check_kind(schema: Schema, index: str | None) -> None:
    """Refuse to read a kind of item where nothing tells it from others.

    Raises:
        InvalidModel: the index does not hold the discriminator of the model.
    """
    if schema.discriminator is None or index is None:
        return
    projection, name = schema.table.index(index).projection, schema.discriminator[0]
    if projection is not Projection.ALL and (isinstance(projection, Projection) or name not in projection):
        raise InvalidModel(
            f"Index {index} does not hold {name}, which tells {schema.model} from other items; let it project"
            f" {name}."
        )


def _candidates(schema: Schema, index: str | None, *, consistent: bool) -> Sequence[str | None]:
    if index is not None:
        return [index]
    return [None] if consistent else [None, *schema.indexes]


def _named(schema: Schema, index: str | None) -> str:
    return f"table {schema.table.name}" if index is None else f"index {index}"


def _parts(schema: Schema, index: str | None) -> tuple[KeyPart, ...]:
    return schema.keys if index is None else schema.indexes.get(index, ())


def _name(part: Condition) -> str | None:
    """Return the attribute that a condition compares with values, as it is called in the item."""
    match part:
        case Comparison(left=(str(name),), right=dict()):
            return name
        case Between(operand=(str(name),), low=dict(), high=dict()):
            return name
        case BeginsWith(path=(str(name),), prefix=dict()):
            return name
    return None


def _sign(part: Condition) -> str:
    """Return what the condition is written with, or else what it is called."""
    match part:
        case Comparison(operator="<>"):
            return "!="
        case Comparison():
            return "a comparison of anything else"
        case Or():
            return "|"
        case Not():
            return "~"
    return type(part).__name__


def _facts(parts: Iterable[Condition]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for part in parts:
        name = _name(part)
        is_fact = isinstance(part, (Between, BeginsWith)) or (
            isinstance(part, Comparison) and part.operator != "<>"
        )
        if name is None or not is_fact:
            raise InvalidModel(
                "A query's where takes ==, <, <=, >, >=, between and begins_with of one attribute each,"
                f" joined by &, not {_sign(part)}; say the rest in filter."
            )
        if name in facts:
            raise InvalidModel(f"A query's where compares {name} twice; say it once, maybe with between.")
        facts[name] = part  # type: ignore[assignment]
    return facts


def _takes(schema: Schema, index: str | None, parts: Sequence[Condition]) -> bool:
    try:
        _key_condition(schema, index, _facts(parts))
    except (_Unfit, InvalidModel):
        return False
    return True


def _key_condition(schema: Schema, index: str | None, facts: Mapping[str, Fact]) -> Condition:
    parts = _parts(schema, index)
    if not parts:
        raise _Unfit(f"has no {schema.model}, whose attributes make no keys of it")
    taken: set[str] = set()
    condition = _partition(parts[0], facts, taken)
    sort = _sort(parts[1], facts, taken) if len(parts) == 2 else None
    left = sorted(facts.keys() - taken)
    if left:
        whole = [part for part in parts if part.template is not None and part.key.name in facts]
        fields = {field.stored_name: name for part in whole for name, field in part.fields.items()}
        keys = " and ".join(part.key.name for part in whole)
        hint = f" beside {keys} as a whole; compare {' and '.join(fields.values())} instead"
        raise _Unfit(f"does not take {' and '.join(left)}{hint if fields.keys() >= set(left) else ''}")
    return condition if sort is None else condition & sort


def _partition(part: KeyPart, facts: Mapping[str, Fact], taken: set[str]) -> Condition:
    fact = facts.get(part.key.name)
    if fact is not None or part.template is None:
        if not _is_equality(fact):
            raise _Unfit(f"needs {part.key.name} == value")
        taken.add(part.key.name)
        assert fact is not None
        return fact
    values = _equal(part, facts, taken)
    if len(values) < len(part.components):
        raise _Unfit(f"needs {' and '.join(f'{name} == value' for name in part.components)}")
    return Comparison((part.key.name,), "=", {"S": part.template.render(values)})


def _sort(part: KeyPart, facts: Mapping[str, Fact], taken: set[str]) -> Condition | None:
    fact = facts.get(part.key.name)
    if fact is not None or part.template is None:
        if fact is not None:
            taken.add(part.key.name)
        return fact
    values = _equal(part, facts, taken)
    name = part.key.name
    if len(values) == len(part.components):
        return Comparison((name,), "=", {"S": part.template.render(values)})
    following = part.components[len(values)]
    prefix = part.template.render_before(following, values)
    stored_name = part.fields[following].stored_name
    ranged = facts.get(stored_name)
    if ranged is None or stored_name in taken:
        return BeginsWith((name,), {"S": prefix}) if prefix else None
    taken.add(stored_name)
    try:
        return range_of(ranged, name, prefix, part.template, following)
    except NotARange as error:
        raise _Unfit(str(error)) from None


def _equal(part: KeyPart, facts: Mapping[str, Fact], taken: set[str]) -> dict[str, str | int]:
    """Return the components that are known, as far as they stand without a gap; they are taken."""
    values: dict[str, str | int] = {}
    for name, field in part.fields.items():
        fact = facts.get(field.stored_name)
        if not isinstance(fact, Comparison) or fact.operator != "=" or not isinstance(fact.right, dict):
            break
        taken.add(field.stored_name)
        values[name] = raw_component(fact.right)
    return values


def _is_equality(fact: Fact | None) -> bool:
    return isinstance(fact, Comparison) and fact.operator == "="
