"""Models: typed items of a table. Pure: no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import get_annotations
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Self,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from streamer.dynamorm.attributes.attribute import Attribute, attribute_of
from streamer.dynamorm.attributes.declarations import attribute, created_stamp, updated_stamp, version_number
from streamer.dynamorm.attributes.fields import REQUIRED, UNSET, Field, declared_field
from streamer.dynamorm.errors import EncodingFailed, InvalidModel
from streamer.dynamorm.expressions.conditions import Condition
from streamer.dynamorm.expressions.evaluation import apply
from streamer.dynamorm.expressions.updates import UpdateAction, check_changes
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.keys.item_keys import Key, KeyMethod, M, PartitionMethod
from streamer.dynamorm.keys.layouts import IndexTemplates
from streamer.dynamorm.models.model_schema import Schema
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.low_level import AttributeValue, Item

__all__ = ["Key", "M", "Model"]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a model's items are kept: its class arguments, inherited by its subclasses."""

    table: Table | None = None
    partition: str | None = None
    sort: str | None = None
    indexes: Mapping[str, IndexTemplates] | None = None
    discriminator: tuple[str, str] | None = None


@dataclass_transform(
    kw_only_default=True,  # not frozen: mypy would take inherited attributes for their values on the class
    field_specifiers=(attribute, version_number, created_stamp, updated_stamp),
)
class Model:
    """An item as a typed value that does not change; writes are requests, not assignments.

    ```python
    class Order(
        Model,
        table=ORDERS,
        partition="CUSTOMER#{customer}",
        sort="ORDER#{number:08}",
        indexes={"by-day": ("DAY#{day}", "{customer}")},
    ):
        customer: Attribute[str]
        number: Attribute[int]
        day: Attribute[date | None] = attribute(default=None)

        @key
        def at(self, customer: str, number: int) -> None: ...
    ```

    Class arguments:
        table: the `Table` that holds the items.
        partition, sort: templates of the key attributes; without one, the key attribute is declared
            as an attribute of the model.
        indexes: templates of the keys of the table's indexes. An item is not in an index if a
            component of its keys is None.
        discriminator: name and value of a stored attribute that tells this kind of item from others of
            the table, where the keys don't.
        abstract: whether it only has attributes for other models to inherit, and no table.

    Raises:
        InvalidModel: at class definition, for a declaration that cannot work.
    """

    __schema__: ClassVar[Schema]
    __placing__: ClassVar[Placing] = Placing()
    __fields__: ClassVar[Mapping[str, Field]] = {}

    def __init_subclass__(
        cls,
        *,
        table: Table | None = None,
        partition: str | None = None,
        sort: str | None = None,
        indexes: Mapping[str, IndexTemplates] | None = None,
        discriminator: tuple[str, str] | None = None,
        abstract: bool = False,
    ) -> None:
        super().__init_subclass__()
        given = Placing(table, partition, sort, indexes, discriminator)
        said = {name: held for name in given.__slots__ if (held := getattr(given, name)) is not None}
        cls.__placing__ = placing = replace(cls.__placing__, **said)
        cls.__fields__ = fields = _fields(cls)
        for name, field in fields.items():
            setattr(cls, name, attribute_of(field))
        if abstract:
            return
        if placing.table is None:
            raise InvalidModel(
                f"{cls.__name__} names no table; declare it with table=..., or with abstract=True if other"
                " models inherit its attributes."
            )
        cls.__schema__ = Schema(
            cls.__name__,
            placing.table,
            fields,
            partition=placing.partition,
            sort=placing.sort,
            indexes=placing.indexes or {},
            discriminator=placing.discriminator,
        )
        members = {name: held for base in reversed(cls.__mro__) for name, held in vars(base).items()}
        for held in members.values():
            if isinstance(held, (KeyMethod, PartitionMethod)):
                held.check(cls.__schema__)

    def __init__(self, **values: Any) -> None:
        fields = self.__fields__
        if len(values) != len(fields) or values.keys() != fields.keys():
            values = self._completed(values)
        self.__dict__.update(values)

    def _completed(self, values: dict[str, Any]) -> dict[str, Any]:
        fields = self.__fields__
        unknown = values.keys() - fields.keys()
        missing = [name for name, held in fields.items() if name not in values and not held.has_default]
        if unknown or missing:
            faults = [f"has no attribute {name}" for name in sorted(unknown)]
            faults += [f"needs {name}" for name in missing]
            raise TypeError(f"{type(self).__name__} {', '.join(faults)}.")
        return {
            name: values[name] if name in values else held.absent()
            for name, held in fields.items()
            if name in values or held.default is not UNSET
        }

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"A {type(self).__name__} does not change; write an update, or make a new one with replace()."
        )

    __delattr__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the item by its key only: items hold what logs must not show."""
        components = sorted(self.__schema__.components & self.__dict__.keys())
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in components)
        return f"{type(self).__name__}({shown})"

    if not TYPE_CHECKING:  # a type checker sees the methods that a model declares with `key`, or none

        @classmethod
        def at(cls, *unnamed: object, **components: object) -> Key[Self]:
            """Return the key of the item with these components.

            Raises:
                EncodingFailed: a component is missing, empty, or not one of this model's key.
                TypeError: a component is given without its name.
            """
            schema = cls.__schema__
            _check_named(cls, "at", unnamed, [name for part in schema.keys for name in part.fields])
            unknown = components.keys() - schema.components
            if unknown:
                raise EncodingFailed(f"The key of {cls.__name__} has no component {sorted(unknown)[0]}.")
            return Key(cls, schema.key_item(components))

        @classmethod
        def partition(cls, *unnamed: object, **components: object) -> Condition:
            """Return the condition of a query for this model's items in one partition.

            Raises:
                EncodingFailed: a component of the partition key is missing or empty.
                TypeError: a component is given without its name.
            """
            _check_named(cls, "partition", unnamed, [*cls.__schema__.keys[0].fields])
            return cls.__schema__.partition(components)

    @classmethod
    def from_item(cls, item: Mapping[str, AttributeValue], *, only: frozenset[str] | None = None) -> Self:
        """Read an item, or the image of a stream record.

        Args:
            only: names of the attributes that were read; reading another one raises `NotLoaded`.

        Raises:
            DecodingFailed: it does not fit the model.
        """
        return cls._of(cls.__schema__.decode(item, only))

    @classmethod
    def _of(cls, values: Mapping[str, Any]) -> Self:
        made = object.__new__(cls)
        made.__dict__.update(values)
        return made

    def to_item(self) -> Item:
        """Write the item with its key.

        Raises:
            EncodingFailed: a value cannot be stored as its attribute's type.
        """
        return self.__schema__.encode(self.__dict__)

    def replace(self, **changes: object) -> Self:
        """Return a copy with other values. Nothing is written. `changed` is checked by type checkers.

        Raises:
            TypeError: the model has no such attribute.
        """
        unknown = changes.keys() - self.__fields__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no attribute {min(unknown)}.")
        return self._of({**self.__dict__, **changes})

    def changed(self, *actions: UpdateAction) -> Self:
        """Return what an update would make of the item, `order.changed(Order.total.increment(1))`.

        Nothing is written.

        Raises:
            InvalidModel: what is given is no change.
            InvalidRequest: DynamoDB would refuse the update.
        """
        check_changes(actions)
        return self.from_item(apply(actions, self.to_item()))


def _check_named(model: type[Model], method: str, unnamed: tuple[object, ...], names: Sequence[str]) -> None:
    if unnamed:
        shown = ", ".join(f"{name}=..." for name in names)
        raise TypeError(
            f"{model.__name__}.{method} takes the components by their names: write {method}({shown})."
        )


def _fields(model: type[Model]) -> dict[str, Field]:
    """Return the attributes that a class declares or inherits.

    Raises:
        InvalidModel: one is declared wrongly.
    """
    own = get_annotations(model)
    found: dict[str, Field] = {}
    for name, annotation in get_type_hints(model, include_extras=True).items():
        if get_origin(annotation) is ClassVar:
            continue
        if get_origin(annotation) is not Attribute:
            raise InvalidModel(f"{model.__name__}.{name} is no attribute; annotate it as Attribute[...].")
        if name.startswith("_") or hasattr(Model, name):
            raise InvalidModel(
                f"{model.__name__}.{name} would hide what every model has; give it another name, and"
                f' stored_name="{name}" if the item has it so.'
            )
        if name in own:
            held = model.__dict__.get(name, REQUIRED)
            found[name] = declared_field(model.__name__, name, get_args(annotation)[0], held)
        else:
            inherited = next(
                base for base in model.__mro__[1:] if name in base.__dict__.get("__fields__", {})
            )
            found[name] = replace(inherited.__dict__["__fields__"][name], model=model.__name__)
    return found
