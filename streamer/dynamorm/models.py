"""Models: typed items of a table. Pure: no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import (
    Any,
    ClassVar,
    Generic,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from streamer.dynamorm.attributes import Attribute
from streamer.dynamorm.codec import Codec, Item, codec_for
from streamer.dynamorm.declarations import attribute
from streamer.dynamorm.errors import DecodingFailed, EncodingFailed, InvalidModel
from streamer.dynamorm.expressions import BeginsWith, Comparison, Condition
from streamer.dynamorm.fields import Declaration, Field
from streamer.dynamorm.keys import KeyTemplate
from streamer.dynamorm.schema import KeyAttribute, KeyType, Table

M = TypeVar("M", bound="Model")


@dataclass(frozen=True, slots=True)
class Key(Generic[M]):
    """Names one item of a model.

    Attributes:
        values: the key attributes in DynamoDB's form.
    """

    model: type[M]
    values: Item


class Schema:
    """What a model's declaration says, ready for use: `Model.__schema__`."""

    __slots__ = ("_decoders", "_encoders", "_keys", "attributes", "model", "table")

    def __init__(
        self,
        model: str,
        table: Table,
        attributes: Mapping[str, Field],
        partition: str | None,
        sort: str | None,
    ) -> None:
        self.model = model
        self.table = table
        self.attributes = dict(attributes)
        self._keys = [self._key(table.partition_key, partition, "partition")]
        if table.sort_key is not None:
            self._keys.append(self._key(table.sort_key, sort, "sort"))
        elif sort is not None:
            raise InvalidModel(f"{model} has a sort key, but table {table.name} has none; leave sort out.")
        self._encoders = [
            (name, held.stored_name, held.codec.encode, held.codec.empty is not None)
            for name, held in attributes.items()
        ]
        self._decoders = [
            (
                name,
                held.stored_name,
                held.codec.decode,
                held,
            )
            for name, held in attributes.items()
        ]

    def _key(self, key: KeyAttribute, template: str | None, role: str) -> tuple[KeyAttribute, KeyTemplate]:
        stored = {held.stored_name: name for name, held in self.attributes.items()}
        if template is None:
            if key.name not in stored:
                raise InvalidModel(
                    f"{self.model} says nothing of {key.name}, the {role} key of table {self.table.name};"
                    f" give a template, {role}=..., or declare the attribute."
                )
            template = f"{{{stored[key.name]}}}"
        elif key.name in stored:
            raise InvalidModel(
                f"{self.model} has both a template and an attribute for the key {key.name}; keep one."
            )
        if key.type is KeyType.BINARY:
            raise InvalidModel(f"{self.model}: a binary key is not supported; use text or a number.")
        parsed = KeyTemplate(template)
        for name in parsed.components:
            if name not in self.attributes:
                raise InvalidModel(
                    f"The key template {template!r} of {self.model} names {name}, no attribute."
                )
        return key, parsed

    def key_item(self, values: Mapping[str, object]) -> Item:
        """Write the key attributes from the components.

        Raises:
            EncodingFailed: a component is missing or cannot stand in a key.
        """
        return {key.name: self._encode_key(key, template, values) for key, template in self._keys}

    def _encode_key(
        self, key: KeyAttribute, template: KeyTemplate, values: Mapping[str, object]
    ) -> dict[str, Any]:
        stored = self.attributes.get(template.text[1:-1]) if template.text[0] == "{" else None
        if stored is not None and stored.stored_name == key.name:  # the attribute is the key: as it is
            if template.components[0] not in values:
                raise EncodingFailed(f"The key of {self.model} needs {template.components[0]}.")
            return stored.encode(values[template.components[0]])
        return {key.type.value: template.render(values)}

    @property
    def components(self) -> frozenset[str]:
        """Names of the attributes that make the key."""
        return frozenset(name for _, template in self._keys for name in template.components)

    def partition(self, values: Mapping[str, object]) -> Condition:
        """Return the condition of a query: this partition, and the items of this kind in it."""
        key, template = self._keys[0]
        condition: Condition = Comparison((key.name,), "=", self._encode_key(key, template, values))
        if len(self._keys) == 2:
            sort_key, sort = self._keys[1]
            if not sort.components:
                return condition & Comparison((sort_key.name,), "=", {sort_key.type.value: sort.text})
            if sort.prefix:
                return condition & BeginsWith((sort_key.name,), {sort_key.type.value: sort.prefix})
        return condition

    def kind(self) -> Condition | None:
        """Return what holds of the keys of this model's items; None if their templates say nothing."""
        condition: Condition | None = None
        for key, template in self._keys:
            if not template.prefix:
                continue
            text = {key.type.value: template.prefix}
            part: Condition = (
                BeginsWith((key.name,), text) if template.components else Comparison((key.name,), "=", text)
            )
            condition = part if condition is None else condition & part
        return condition

    def encode(self, values: Mapping[str, Any]) -> Item:
        """Write an item.

        Raises:
            EncodingFailed: a value cannot be stored as its attribute's type; names the attribute.
        """
        item = self.key_item(values)
        for name, stored_name, encode, omit_empty in self._encoders:
            value = values[name]
            if value is None or (omit_empty and not value):
                continue
            try:
                item[stored_name] = encode(value)
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                raise EncodingFailed(f"{self.model}.{name} cannot hold the value: {error}.") from error
        return item

    def decode(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Read an item's values; what the model doesn't know is left aside.

        Raises:
            DecodingFailed: an attribute is missing or of another type; names the attribute.
        """
        values: dict[str, Any] = {}
        for name, stored_name, decode, field in self._decoders:
            stored = item.get(stored_name)
            if stored is not None:
                try:
                    values[name] = decode(stored)
                except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                    raise DecodingFailed(
                        f"The stored {stored_name} does not fit {self.model}.{name}; it is of another type or"
                        " version of the model."
                    ) from error
            elif field.required:
                raise DecodingFailed(f"A stored {self.model} lacks {stored_name}; give {name} a default.")
            else:
                values[name] = field.absent()
        return values


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(attribute,))
class Model:
    """An item as a typed value that does not change; writes are requests, not assignments.

    ```python
    class Order(Model, table=ORDERS, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
        customer: Attribute[str]
        number: Attribute[str]
        total: Attribute[Decimal]
        note: Attribute[str | None] = attribute(default=None)
    ```

    Class arguments:
        table: the `Table` that holds the items.
        partition, sort: templates of the key attributes; without one, the key attribute is declared
            as an attribute of the model.

    Raises:
        InvalidModel: at class definition, for a declaration that cannot work.
    """

    __schema__: ClassVar[Schema]

    def __init_subclass__(
        cls, *, table: Table | None = None, partition: str | None = None, sort: str | None = None
    ) -> None:
        super().__init_subclass__()
        if table is None:
            raise InvalidModel(f"{cls.__name__} names no table; declare it with table=...")
        attributes: dict[str, Field] = {}
        for name, annotation in get_type_hints(cls).items():
            if get_origin(annotation) is ClassVar:
                continue
            if get_origin(annotation) is not Attribute:
                raise InvalidModel(f"{cls.__name__}.{name} is no attribute; annotate it as Attribute[...].")
            held = cls.__dict__.get(name)
            if not isinstance(held, Declaration):
                held = Declaration() if held is None else Declaration(held)
            codec = _codec(cls.__name__, name, get_args(annotation)[0])
            field = Field(
                cls.__name__,
                name,
                held.stored_name or name,
                get_args(annotation)[0],
                codec,
                held.default,
                held.factory,
            )
            setattr(cls, name, Attribute.of(field))
            attributes[name] = field
        stored_names = [held.stored_name for held in attributes.values()]
        for name in stored_names:
            if stored_names.count(name) > 1:
                raise InvalidModel(
                    f"{cls.__name__} stores two attributes as {name}; give one another stored_name."
                )
        cls.__schema__ = Schema(cls.__name__, table, attributes, partition, sort)

    def __init__(self, **values: Any) -> None:
        attributes = self.__schema__.attributes
        if len(values) != len(attributes) or values.keys() != attributes.keys():
            values = self._completed(values)
        self.__dict__.update(values)

    def _completed(self, values: dict[str, Any]) -> dict[str, Any]:
        attributes = self.__schema__.attributes
        unknown = values.keys() - attributes.keys()
        missing = [name for name, held in attributes.items() if name not in values and not held.has_default]
        if unknown or missing:
            faults = [f"has no attribute {name}" for name in sorted(unknown)]
            faults += [f"needs {name}" for name in missing]
            raise TypeError(f"{type(self).__name__} {', '.join(faults)}.")
        return {name: values[name] if name in values else held.absent() for name, held in attributes.items()}

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
        components = self.__schema__.components
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in sorted(components))
        return f"{type(self).__name__}({shown})"

    @classmethod
    def at(cls, **components: str | int) -> Key[Self]:
        """Return the key of the item with these components.

        Raises:
            EncodingFailed: a component is missing, empty, or not one of this model's key.
        """
        schema = cls.__schema__
        unknown = components.keys() - schema.components
        if unknown:
            raise EncodingFailed(f"The key of {cls.__name__} has no component {sorted(unknown)[0]}.")
        return Key(cls, schema.key_item(components))

    @classmethod
    def partition(cls, **components: str | int) -> Condition:
        """Return the condition of a query for this model's items in one partition.

        Raises:
            EncodingFailed: a component of the partition key is missing or empty.
        """
        return cls.__schema__.partition(components)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Read an item, or the image of a stream record.

        Raises:
            DecodingFailed: it does not fit the model.
        """
        made = object.__new__(cls)
        made.__dict__.update(cls.__schema__.decode(item))
        return made

    def to_item(self) -> Item:
        """Write the item with its key.

        Raises:
            EncodingFailed: a value cannot be stored as its attribute's type.
        """
        return self.__schema__.encode(self.__dict__)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values. Nothing is written."""
        return type(self)(**{**self.__dict__, **changes})


def _codec(model: str, name: str, annotation: Any) -> Codec:
    try:
        return codec_for(annotation)
    except TypeError as error:
        raise InvalidModel(f"{model}.{name}: {error}") from error
