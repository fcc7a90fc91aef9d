"""The attributes of a model: on the class they write conditions and updates, on an instance values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Never, Protocol, TypeVar, cast, overload

from streamer.dynamorm.attributes.fields import Field
from streamer.dynamorm.errors import EncodingFailed, InvalidModel, NotLoaded, UnknownAttribute
from streamer.dynamorm.expressions import operands
from streamer.dynamorm.expressions.comparisons import Comparable, Comparand
from streamer.dynamorm.expressions.conditions import (
    BeginsWith,
    Condition,
    Contains,
    DoesNotExist,
    Exists,
    HasType,
    TypeName,
)
from streamer.dynamorm.expressions.operands import Path
from streamer.dynamorm.expressions.updates import Add, Discard, Remove, SetValue, UpdateAction
from streamer.dynamorm.values.low_level import AttributeValue, Codec

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
S_co = TypeVar("S_co", covariant=True)
Number = TypeVar("Number", int, float, Decimal)
Members = TypeVar("Members", bound="AbstractSet[object] | None")
Places = TypeVar("Places", bound="Sequence[object] | None")


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


class _MsgspecStruct(Protocol):
    __struct_fields__: ClassVar[tuple[str, ...]]


_Struct = _Dataclass | _MsgspecStruct


class Source(Generic[S_co]):
    """What an update can set an attribute of a type to: another attribute, a sum, a default."""

    __slots__ = ()

    def _source(self) -> operands.Source:
        raise NotImplementedError


class Computed(Source[S_co]):
    """A value that DynamoDB computes while it writes."""

    __slots__ = ("_held",)

    def __init__(self, held: operands.Source) -> None:
        self._held = held

    def _source(self) -> operands.Source:
        return self._held


class Size(Comparable[int]):
    """The size of a value: characters, bytes, or members."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def _operand(self) -> operands.Operand:
        return operands.SizeOf(self._path)

    def _encode(self, value: int) -> AttributeValue:
        return {"N": str(int(value))}


class Attribute(Comparable[T], Source[T]):
    """One attribute of a model, `status: Attribute[Status]`, or a part of one.

    Parts are `Order.tags[0]`, `Order.labels["k"]`, and the fields of a dataclass, `Order.address.city`.
    Python's types cannot follow a name into another class, so a checker takes such a field for one of any
    type; `Order.address.path(lambda address: address.city)` is the same and checked, name and type, also
    where a field is called like a method of this class.

    It is no data descriptor at run time: an instance's value is found in its `__dict__` first, at the
    cost of a plain attribute.
    """

    __slots__ = ("_codec", "_label", "_path")

    def __init__(self, label: str, path: Path, codec: Codec) -> None:
        self._label = label
        self._path = path
        self._codec = codec

    @overload
    def __get__(self, instance: None, owner: type[object]) -> Attribute[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[object]) -> T: ...
    def __get__(self, instance: object | None, owner: type[object]) -> Attribute[T] | T:
        if instance is None:
            return self
        raise NotLoaded(
            f"This {owner.__name__} has no {self._label.partition('.')[2]}: it was read without it, or never"
            " written; read the whole item."
        )

    if TYPE_CHECKING:

        def __set__(self, instance: Never, value: T) -> None:
            """Give the constructor its types; no instance is ever assigned to."""

        def __getattr__(self: Source[_Struct | None], name: str) -> Attribute[object]: ...

    else:

        def __getattr__(self, name: str) -> Attribute[Any]:
            if name.startswith("__"):
                raise AttributeError(name)
            return self._part(name)

    def __repr__(self) -> str:
        return self._label

    __hash__ = object.__hash__

    def _operand(self) -> operands.Operand:
        return self._path

    def _source(self) -> operands.Source:
        return self._path

    def _encode(self, value: Any) -> AttributeValue:
        if value is None:
            raise InvalidModel(f"None is the absence of {self!r}; use exists() or does_not_exist().")
        return self._written(self._codec, value)

    def _written(self, codec: Codec, value: Any) -> AttributeValue:
        try:
            return codec.encode(value)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise EncodingFailed(f"{self!r} cannot hold the value: {error}.") from error

    def _part(self, part: str | int) -> Attribute[Any]:
        inside = self._codec.inside(part)
        shown = f"{self._label}.{part}" if self._codec.fields is not None else f"{self._label}[{part!r}]"
        if inside is None or (isinstance(part, int) and part < 0):
            raise UnknownAttribute(f"There is no {shown}; name a part that {self._label} has.")
        return Attribute(shown, (*self._path, inside[0]), inside[1])

    def _need(self, what: str, *kinds: str) -> None:
        if self._codec.kind is not None and self._codec.kind not in kinds:
            raise InvalidModel(f"{self!r} is not {what}; DynamoDB could not do it.")

    # Parts.

    @overload
    def __getitem__(self: Source[Sequence[V] | None], part: int) -> Attribute[V]: ...
    @overload
    def __getitem__(self: Source[Mapping[str, V] | None], part: str) -> Attribute[V]: ...
    def __getitem__(self, part: str | int) -> Attribute[Any]:
        return self._part(part)

    def __iter__(self) -> None:
        raise TypeError(f"{self!r} is not a sequence; its members are known to DynamoDB alone.")

    def path(self: Source[V | None], select: Callable[[V], U]) -> Attribute[U]:
        """Return a part, `Order.address.path(lambda address: address.city)`; type checkers know its type."""
        selected = select(cast(V, _Selector(cast("Attribute[V]", self))))
        if not isinstance(selected, _Selector):
            raise InvalidModel(f"path() of {self!r} only walks to a part, by attributes, places and keys.")
        return selected._attribute

    # Conditions.

    def begins_with(self: Source[str | bytes | None], prefix: str | bytes | Comparand[str]) -> Condition:
        """Hold if the text or the bytes begin so."""
        held = cast("Attribute[Any]", self)
        held._need("text or bytes", "S", "B")
        return BeginsWith(held._path, held._operand_of(prefix))

    @overload
    def contains(self: Source[str | None], part: str) -> Condition: ...
    @overload
    def contains(self: Attribute[frozenset[V]], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[frozenset[V] | None], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[set[V]], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[set[V] | None], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[list[V]], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[list[V] | None], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[tuple[V, ...]], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[tuple[V, ...] | None], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[Sequence[V]], part: V) -> Condition: ...
    @overload
    def contains(self: Attribute[Sequence[V] | None], part: V) -> Condition: ...
    def contains(self, part: Any) -> Condition:
        """Hold if the text has the part, or the set or list the member."""
        self._need("text, bytes, a set or a list", "S", "B", "SS", "NS", "BS", "L")
        return Contains(self._path, self._written(self._codec.member or self._codec, part))

    def exists(self) -> Condition:
        """Hold if the attribute is stored."""
        return Exists(self._path)

    def does_not_exist(self) -> Condition:
        """Hold if the attribute is not stored, or there is no item."""
        return DoesNotExist(self._path)

    def has_type(self, kind: TypeName) -> Condition:
        """Hold if what is stored is of one of DynamoDB's types."""
        return HasType(self._path, kind)

    def size(self) -> Size:
        """Return the size, to compare it: characters of a text, bytes, members of a set, list or map."""
        self._need("text, bytes, a set, a list or a map", "S", "B", "SS", "NS", "BS", "L", "M")
        return Size(self._path)

    # Updates.

    def set(self, value: T | Source[T]) -> UpdateAction:
        """Change the value, to another one or to a computed one; None removes it, as does an empty set."""
        if isinstance(value, Source):
            return SetValue(self._path, value._source())
        if value is None or (self._codec.empty is not None and not value):
            return Remove(self._path)
        return SetValue(self._path, self._encode(value))

    def set_if_absent(self, value: T) -> UpdateAction:
        """Give a value where there is none."""
        return SetValue(self._path, operands.IfAbsent(self._path, self._encode(value)))

    def or_else(self, value: T) -> Computed[T]:
        """Return what is stored, or this value where nothing is: something to set an attribute to."""
        return Computed(operands.IfAbsent(self._path, self._encode(value)))

    def __add__(
        self: Attribute[Number] | Attribute[Number | None], other: Number | Source[Number | None]
    ) -> Computed[Number]:
        return self._sum("+", other)

    def __sub__(
        self: Attribute[Number] | Attribute[Number | None], other: Number | Source[Number | None]
    ) -> Computed[Number]:
        return self._sum("-", other)

    def _sum(self, sign: operands.Sign, other: Any) -> Computed[Any]:
        self._need("a number", "N")
        return Computed(operands.Sum(self._path, sign, self._term_of(other)))

    def _term_of(self, value: Any) -> operands.Term:
        if not isinstance(value, Source):
            return self._encode(value)
        held = value._source()
        if isinstance(held, (operands.Sum, operands.Concat)):
            raise InvalidModel("DynamoDB adds two values only; set another attribute to the rest.")
        return held

    def remove(self) -> UpdateAction:
        """Take the attribute away, or a place out of a list."""
        return Remove(self._path)

    @overload
    def increment(self: Attribute[int] | Attribute[int | None], by: int = 1) -> UpdateAction: ...
    @overload
    def increment(self: Attribute[float] | Attribute[float | None], by: float = 1) -> UpdateAction: ...
    @overload
    def increment(self: Attribute[Decimal] | Attribute[Decimal | None], by: Decimal) -> UpdateAction: ...
    def increment(self, by: Any = 1) -> UpdateAction:
        """Raise a number (lower it, if `by` is negative); an absent one counts as 0."""
        self._need("a number", "N")
        if len(self._path) == 1:
            return Add(self._path, self._encode(by))
        start = operands.IfAbsent(self._path, {"N": "0"})  # ADD is for whole attributes alone
        return SetValue(self._path, operands.Sum(start, "+", self._encode(by)))

    @overload
    def decrement(self: Attribute[int] | Attribute[int | None], by: int = 1) -> UpdateAction: ...
    @overload
    def decrement(self: Attribute[float] | Attribute[float | None], by: float = 1) -> UpdateAction: ...
    @overload
    def decrement(self: Attribute[Decimal] | Attribute[Decimal | None], by: Decimal) -> UpdateAction: ...
    def decrement(self, by: Any = 1) -> UpdateAction:
        """Lower a number; an absent one counts as 0."""
        return cast("Attribute[float]", self).increment(-by)

    def add(self: Attribute[Members], members: Members) -> UpdateAction:
        """Add members to a set; an absent one is made."""
        return Add(self._whole_set(), self._encode(members))

    def discard(self: Attribute[Members], members: Members) -> UpdateAction:
        """Take members out of a set; one without members is gone."""
        return Discard(self._whole_set(), self._encode(members))

    def _whole_set(self) -> Path:
        self._need("a set", "SS", "NS", "BS")
        if len(self._path) > 1:
            raise InvalidModel(f"{self!r} is inside an attribute; DynamoDB changes only whole sets.")
        return self._path

    def append(self: Attribute[Places], values: Places) -> UpdateAction:
        """Add values at the end of a list; an absent one is made."""
        return self._concat(values, front=False)

    def prepend(self: Attribute[Places], values: Places) -> UpdateAction:
        """Add values at the front of a list; an absent one is made."""
        return self._concat(values, front=True)

    def _concat(self, values: Any, *, front: bool) -> UpdateAction:
        self._need("a list", "L")
        held, added = operands.IfAbsent(self._path, {"L": []}), self._encode(values)
        return SetValue(self._path, operands.Concat(added, held) if front else operands.Concat(held, added))


def attribute_of(field: Field) -> Attribute[Any]:
    """Return the attribute that a model's class has."""
    return Attribute(f"{field.model}.{field.name}", (field.stored_name,), field.codec)


class _Selector:
    """What `path` gives to its function: it walks, and has no other names."""

    __slots__ = ("_attribute",)

    def __init__(self, attribute: Attribute[Any]) -> None:
        self._attribute = attribute

    def __getattr__(self, name: str) -> _Selector:
        return _Selector(self._attribute._part(name))

    def __getitem__(self, part: str | int) -> _Selector:
        return _Selector(self._attribute._part(part))
