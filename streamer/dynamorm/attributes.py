"""The attributes of a model: on the class they write conditions and updates, on an instance values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from streamer.dynamorm.codec import AttributeValue, Codec
from streamer.dynamorm.errors import EncodingFailed, InvalidModel
from streamer.dynamorm.expressions import (
    Add,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Contains,
    Discard,
    DoesNotExist,
    Exists,
    In,
    Operator,
    Path,
    Remove,
    SetIfAbsent,
    SetValue,
    UpdateAction,
)

T = TypeVar("T")

REQUIRED: Any = object()
"""Stands for the default of an attribute that has none."""


class Attribute(Generic[T]):
    """One attribute of a model, `status: Attribute[Status]`.

    It is no data descriptor at run time: an instance's value is found in its `__dict__` first, at the
    cost of a plain attribute.
    """

    __slots__ = ("codec", "default", "model", "name", "path", "stored_name")

    def __init__(self, *, default: Any = REQUIRED, stored_name: str | None = None) -> None:
        self.default = default
        self.stored_name = stored_name or ""
        self.name = ""
        self.model = ""
        self.path: Path = ()
        self.codec: Codec

    def bind(self, model: str, name: str, codec: Codec) -> None:
        """Say where the attribute stands; the model does so when its class is made."""
        self.model, self.name, self.codec = model, name, codec
        self.stored_name = self.stored_name or name
        self.path = (self.stored_name,)

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Attribute[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Any:
        return self

    if TYPE_CHECKING:

        def __set__(self, instance: object, value: T) -> None: ...

    def __repr__(self) -> str:
        return f"{self.model}.{self.name}"

    __hash__ = object.__hash__

    def encode(self, value: Any) -> AttributeValue:
        """Write a value of this attribute.

        Raises:
            EncodingFailed: it is of another type or cannot be stored.
        """
        try:
            return self.codec.encode(value)
        except (TypeError, ValueError, AttributeError) as error:
            raise EncodingFailed(f"{self!r} cannot hold the value: {error}.") from error

    # Conditions.

    def _compare(self, operator: Operator, value: Any) -> Condition:
        if value is None:
            raise InvalidModel(f"None is the absence of {self!r}; use exists() or does_not_exist().")
        return Comparison(self.path, operator, self.encode(value))

    def __eq__(self, value: T) -> Condition:  # type: ignore[override]
        return self._compare("=", value)

    def __ne__(self, value: T) -> Condition:  # type: ignore[override]
        """Hold if the value is another one, also if the attribute is absent, as DynamoDB's `<>` does."""
        return self._compare("<>", value)

    def __lt__(self, value: T) -> Condition:
        return self._compare("<", value)

    def __le__(self, value: T) -> Condition:
        return self._compare("<=", value)

    def __gt__(self, value: T) -> Condition:
        return self._compare(">", value)

    def __ge__(self, value: T) -> Condition:
        return self._compare(">=", value)

    def between(self, low: T, high: T) -> Condition:
        """Hold if the value is in [low, high]."""
        return Between(self.path, self.encode(low), self.encode(high))

    def is_in(self, values: Iterable[T]) -> Condition:
        """Hold if the value is one of 1 to 100."""
        return In(self.path, tuple(self.encode(value) for value in values))

    def begins_with(self: Attribute[str] | Attribute[str | None], prefix: str) -> Condition:
        """Hold if the text begins so."""
        return BeginsWith(self.path, {"S": prefix})

    def contains(self: Attribute[str] | Attribute[frozenset[str]], part: str) -> Condition:
        """Hold if the text has the part, or the set of texts the member."""
        return Contains(self.path, {"S": part})

    def exists(self) -> Condition:
        """Hold if the attribute is stored."""
        return Exists(self.path)

    def does_not_exist(self) -> Condition:
        """Hold if the attribute is not stored, or there is no item."""
        return DoesNotExist(self.path)

    # Updates.

    def set(self, value: T) -> UpdateAction:
        """Change the value; None removes it."""
        return Remove(self.path) if value is None else SetValue(self.path, self.encode(value))

    def set_if_absent(self, value: T) -> UpdateAction:
        """Give a value where there is none."""
        return SetIfAbsent(self.path, self.encode(value))

    def remove(self) -> UpdateAction:
        """Take the attribute away."""
        return Remove(self.path)

    def increment(
        self: Attribute[int] | Attribute[float] | Attribute[int | None] | Attribute[float | None],
        by: float = 1,
    ) -> UpdateAction:
        """Raise a number (lower it, if `by` is negative); an absent one counts as 0."""
        return Add(self.path, self.encode(by))

    def add(self, members: T) -> UpdateAction:
        """Add members to a set."""
        return Add(self.path, self.encode(members))

    def discard(self, members: T) -> UpdateAction:
        """Take members out of a set."""
        return Discard(self.path, self.encode(members))


def attribute(*, default: Any = REQUIRED, stored_name: str | None = None) -> Any:
    """Describe an attribute of a model beyond its type.

    Args:
        default: the value where none is given or stored; None means that the attribute is absent.
        stored_name: what the attribute is called in the item, if not as in the model.
    """
    return Attribute(default=default, stored_name=stored_name)
