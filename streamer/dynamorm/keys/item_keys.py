"""Keys of items, and the methods that models declare to make them, typed. Pure: no I/O.

```python
class Order(Model, table=ORDERS, partition="CUSTOMER#{customer}", sort="ORDER#{number:08}"):
    customer: Attribute[str]
    number: Attribute[int]

    @key
    def at(self, customer: str, number: int) -> None: ...

    @partition_key
    def of_customer(self, customer: str) -> None: ...


Order.at("ann", number=7)
Query(Order, Order.of_customer("ann"))
```

Python's types cannot be computed from a template, so the signature says them once more; that it says
the same as the model is checked when the class is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, get_type_hints

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.conditions import Condition
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.values.low_level import Item

if TYPE_CHECKING:
    from streamer.dynamorm.keys.key_parts import KeyPart
    from streamer.dynamorm.models.model import Model
    from streamer.dynamorm.models.model_schema import Schema

M = TypeVar("M", bound="Model")
N = TypeVar("N", bound="Model")
P = ParamSpec("P")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Key(Generic[M]):
    """Names one item of a model.

    Attributes:
        values: the key attributes in DynamoDB's form.
        version: the one that must be stored for a write to happen, 0 for none; None: any.
    """

    model: type[M]
    values: Item
    version: int | None = None

    @staticmethod
    def of(item: N) -> Key[N]:
        """Return the key of an item that is at hand, with its version if it has one.

        Raises:
            NotLoaded: the item is partial and was read without its version; name it by its key alone.
        """
        schema = item.__schema__
        version = None if schema.version is None else getattr(item, schema.version)
        return Key(type(item), schema.key_item(item.__dict__), version)


class _Signature:
    """The parameters that a method of a model declares for components of its key."""

    __slots__ = ("_name", "_names", "_signature")

    def __init__(self, declared: Callable[..., object]) -> None:
        self._name = declared.__name__
        self._signature = inspect.signature(declared)
        self._names = tuple(self._signature.parameters)[1:]

    def values(
        self, owner: type[object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Return the components by their names.

        Raises:
            TypeError: the call does not fit; says of which method, and what it takes.
        """
        values = {**dict(zip(self._names, args, strict=False)), **kwargs}
        if len(args) + len(kwargs) != len(self._names) or values.keys() != set(self._names):
            try:
                self._signature.bind(None, *args, **kwargs)
            except TypeError as error:
                method = f"{owner.__name__}.{self._name}"
                raise TypeError(f"{method}({', '.join(self._names)}): {error}.") from None
        return values

    def check(self, schema: Schema, parts: tuple[KeyPart, ...], types: Mapping[str, Any]) -> None:
        """Check that the parameters are the components.

        Raises:
            InvalidModel: they are not; says what they are.
        """
        wanted = {name: field.annotation for part in parts for name, field in part.fields.items()}
        declared = {name: types.get(name) for name in self._names}
        if declared != wanted:
            shown = ", ".join(f"{name}: {getattr(kind, '__name__', kind)}" for name, kind in wanted.items())
            raise InvalidModel(
                f"{schema.model}.{self._name} does not take the components of the key; declare it as"
                f" def {self._name}(self, {shown}) -> None: ..."
            )


class KeyMethod(Generic[P]):
    """Makes keys of a model, with the parameters that were declared."""

    __slots__ = ("_declared", "_signature")

    def __init__(self, declared: Callable[Concatenate[S, P], None]) -> None:
        self._declared = declared
        self._signature = _Signature(declared)

    def __get__(self, instance: object, owner: type[M]) -> Callable[P, Key[M]]:
        def make(*args: P.args, **kwargs: P.kwargs) -> Key[M]:
            return Key(owner, owner.__schema__.key_item(self._signature.values(owner, args, kwargs)))

        return make

    def check(self, schema: Schema) -> None:
        """Raise `InvalidModel` if the parameters are not the components of the model's key."""
        self._signature.check(schema, schema.keys, get_type_hints(self._declared, include_extras=True))


class PartitionMethod(Generic[P]):
    """Makes conditions for one partition of a model, with the parameters that were declared."""

    __slots__ = ("_declared", "_signature")

    def __init__(self, declared: Callable[Concatenate[S, P], None]) -> None:
        self._declared = declared
        self._signature = _Signature(declared)

    def __get__(self, instance: object, owner: type[M]) -> Callable[P, Condition]:
        def make(*args: P.args, **kwargs: P.kwargs) -> Condition:
            return owner.__schema__.partition(self._signature.values(owner, args, kwargs))

        return make

    def check(self, schema: Schema) -> None:
        """Raise `InvalidModel` if the parameters are not the components of the partition key."""
        self._signature.check(schema, schema.keys[:1], get_type_hints(self._declared, include_extras=True))


def key(declared: Callable[Concatenate[S, P], None]) -> KeyMethod[P]:
    """Declare the method that makes a model's keys, by the components that it takes; see the module."""
    return KeyMethod(declared)


def partition_key(declared: Callable[Concatenate[S, P], None]) -> PartitionMethod[P]:
    """Declare a method that makes the condition of a query for one partition of a model's items."""
    return PartitionMethod(declared)
