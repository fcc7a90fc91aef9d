"""What a model's declaration says, ready for use: `Model.__schema__`. Pure: no I/O."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from streamer.dynamorm.attributes.compiled import Decode, Encode, compile_decoder, compile_encoder
from streamer.dynamorm.attributes.fields import UNSET, Field
from streamer.dynamorm.errors import DecodingFailed, EncodingFailed
from streamer.dynamorm.expressions.conditions import BeginsWith, Comparison, Condition
from streamer.dynamorm.keys.key_parts import KeyPart
from streamer.dynamorm.keys.layouts import IndexTemplates, Layout
from streamer.dynamorm.schema import Projection, Table
from streamer.dynamorm.values.low_level import AttributeValue, Item


class Schema:
    """The attributes and keys of a model.

    Attributes:
        model: the model's name.
        attributes: by their names.
        keys: of the table, partition key first.
        indexes: of each index that the model's items can be in, its keys.
        index_keys: those of them that templates write, by their names in the item.
        discriminator: name and value of the stored attribute that tells this kind of item from others.
        version, created_at, updated_at: names of the attributes that the package writes by itself.
    """

    __slots__ = (
        "_complete",
        "_decode",
        "_encode",
        "attributes",
        "created_at",
        "discriminator",
        "index_keys",
        "indexes",
        "keys",
        "model",
        "table",
        "updated_at",
        "version",
    )

    def __init__(
        self,
        model: str,
        table: Table,
        attributes: Mapping[str, Field],
        *,
        partition: str | None,
        sort: str | None,
        indexes: Mapping[str, IndexTemplates],
        discriminator: tuple[str, str] | None,
    ) -> None:
        """Read a declaration.

        Raises:
            InvalidModel: it cannot work; says how it would.
        """
        self.model = model
        self.table = table
        self.attributes = dict(attributes)
        self.discriminator = discriminator
        layout = Layout(model, table, self.attributes)
        self.version = layout.with_role("version")
        self.created_at = layout.with_role("created_at")
        self.updated_at = layout.with_role("updated_at")
        self.keys = layout.table_keys(partition, sort)
        self.indexes = layout.index_keys(indexes, self.keys)
        self.index_keys = layout.templates(self.indexes, self.keys)
        layout.check(self.keys, discriminator)
        self._complete = frozenset(name for name, held in attributes.items() if held.default is not UNSET)
        self._encode: Encode = self._first_encode
        self._decode: Decode = self._first_decode

    # An environment writes few of the models that it imports, and reads few: of others nothing is compiled.

    def _first_encode(self, values: Mapping[str, Any], item: Item) -> None:
        self._encode = compile_encoder(self.attributes.values())
        self._encode(values, item)

    def _first_decode(self, get: Callable[[str], AttributeValue | None]) -> dict[str, Any] | None:
        self._decode = compile_decoder(self.attributes.values())
        return self._decode(get)

    # Keys.

    @property
    def components(self) -> frozenset[str]:
        """Names of the attributes that make the key."""
        return frozenset(name for part in self.keys for name in part.components)

    def key_item(self, values: Mapping[str, Any]) -> Item:
        """Write the key attributes from the components.

        Raises:
            EncodingFailed: a component is missing or cannot stand in a key.
        """
        item: Item = {}
        for part in self.keys:
            written = part.write(values)
            if written is None:
                missing = next(name for name in part.components if values.get(name) is None)
                raise EncodingFailed(f"The key of {self.model} needs {missing}.")
            item[part.key.name] = written
        return item

    def key_values(self, key: Item) -> dict[str, Any]:
        """Return the components of a key, the inverse of `key_item`.

        Raises:
            DecodingFailed: the key is not one of this model.
        """
        return {name: value for part in self.keys for name, value in part.read(key[part.key.name]).items()}

    def partition(self, values: Mapping[str, Any]) -> Condition:
        """Return the condition of a query: this partition, and the items of this kind in it.

        Raises:
            EncodingFailed: a component of the partition key is missing or empty.
        """
        first = self.keys[0]
        written = first.write(values)
        if written is None:
            missing = next(name for name in first.components if values.get(name) is None)
            raise EncodingFailed(f"The key of {self.model} needs {missing}.")
        condition: Condition = Comparison((first.key.name,), "=", written)
        kind = _prefix(self.keys[1]) if len(self.keys) == 2 else None
        return condition if kind is None else condition & kind

    def kind(self) -> Condition | None:
        """Return the condition that only this model's items fulfil, by their keys; None: any could."""
        if self.discriminator is not None:
            name, value = self.discriminator
            return Comparison((name,), "=", {"S": value})
        found = [held for part in self.keys if (held := _prefix(part)) is not None]
        if len(found) == 2:
            return found[0] & found[1]
        return found[0] if found else None

    def fits(self, item: Item) -> bool:
        """Whether an item is of this kind, by its discriminator and its keys."""
        if self.discriminator is not None:
            name, value = self.discriminator
            if item.get(name) != {"S": value}:
                return False
        for part in self.keys:
            stored = item.get(part.key.name)
            if stored is None or part.key.type.value not in stored:
                return False
            if part.template is not None:
                try:
                    part.template.parse(stored["S"])
                except DecodingFailed:
                    return False
        return True

    # Items.

    def encode(self, values: Mapping[str, Any]) -> Item:
        """Write an item.

        Raises:
            EncodingFailed: a value cannot be stored as its attribute's type; names the attribute.
        """
        if len(values) < len(self.attributes) and not self._complete <= values.keys():
            missing = min(self._complete - values.keys())
            raise EncodingFailed(
                f"This {self.model} was read without {missing} and cannot be written; read the whole item."
            )
        item = self.key_item(values)
        if self.discriminator is not None:
            item[self.discriminator[0]] = {"S": self.discriminator[1]}
        for stored_name, part in self.index_keys.items():
            written = part.write(values)
            if written is not None:
                item[stored_name] = written
        try:
            self._encode(values, item)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self._refused(values, error) from error
        return item

    def _refused(self, values: Mapping[str, Any], error: Exception) -> EncodingFailed:
        """Return the error that names the attribute whose value cannot be stored."""
        for name, field in self.attributes.items():
            value = values.get(name)
            if value is not None:
                try:
                    if field.codec.empty is None or value:
                        field.codec.encode(value)
                except (TypeError, ValueError, AttributeError, OverflowError) as fault:
                    return EncodingFailed(f"{self.model}.{name} cannot hold the value: {fault}.")
        return EncodingFailed(f"A {self.model} cannot be stored: {error}.")

    def decode(self, item: Mapping[str, Any], only: frozenset[str] | None = None) -> dict[str, Any]:
        """Read an item's values; what the model doesn't know is left aside.

        Args:
            only: the attributes that were read; the others have no value then.

        Raises:
            DecodingFailed: an attribute is missing or of another type; names the attribute.
        """
        if self.discriminator is not None:
            self._check_kind(item, only)
        if only is None:
            try:
                read = self._decode(item.get)
            except (KeyError, TypeError, ValueError, ArithmeticError):
                read = None  # the loop finds out which attribute it is
            if read is not None:
                return read
        values: dict[str, Any] = {}
        for name, field in self.attributes.items():
            stored_name = field.stored_name
            stored = item.get(stored_name)
            if stored is not None:
                try:
                    values[name] = field.codec.decode(stored)
                except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                    raise DecodingFailed(
                        f"The stored {stored_name} does not fit {self.model}.{name}; it is of another type or"
                        " version of the model."
                    ) from error
            elif field.default is UNSET:
                continue
            elif (only is not None or field.required) and (found := self._from_keys(name, item)) is not None:
                values[name] = found
            elif only is not None and name not in only:
                continue
            elif not field.required:
                values[name] = field.absent()
            else:
                raise DecodingFailed(f"A stored {self.model} lacks {stored_name}; give {name} a default.")
        return values

    def _check_kind(self, item: Mapping[str, Any], only: frozenset[str] | None) -> None:
        assert self.discriminator is not None
        name, value = self.discriminator
        stored = item.get(name)
        if stored != {"S": value} and (stored is not None or only is None):
            raise DecodingFailed(f"The item is no {self.model}: its {name} is not {value!r}.")

    def _from_keys(self, name: str, item: Mapping[str, Any]) -> Any:
        """Return an attribute that an index does not hold from a key that it is part of."""
        for part in (*self.keys, *self.index_keys.values()):
            stored = item.get(part.key.name)
            if name in part.fields and part.template is not None and stored is not None:
                return part.read(stored)[name]
        return None

    def loaded(self, index: str | None) -> frozenset[str] | None:
        """Return the attributes that a read of an index gives; None: all.

        Raises:
            InvalidModel: the table has no such index.
        """
        projection = Projection.ALL if index is None else self.table.index(index).projection
        if projection is Projection.ALL or index is None:
            return None
        held = set() if isinstance(projection, Projection) else set(projection)
        parts = (*self.keys, *self.indexes.get(index, ()))
        names = {name for part in parts for name in part.components}
        names |= {name for name, field in self.attributes.items() if field.stored_name in held}
        return None if names >= self.attributes.keys() else frozenset(names)

    def stamp(self, name: str, now: float) -> Any:
        """Return a time as an attribute of this model holds it.

        Args:
            now: epoch seconds.
        """
        plain = self.attributes[name].plain
        if plain is datetime:
            return datetime.fromtimestamp(now, UTC)
        return int(now) if plain is int else float(now)


def _prefix(part: KeyPart) -> Condition | None:
    """Return the condition that a key attribute is one of this template's."""
    if part.template is None or not part.template.prefix:
        return None
    value: AttributeValue = {"S": part.template.prefix}
    if not part.template.components:
        return Comparison((part.key.name,), "=", value)
    return BeginsWith((part.key.name,), value)
