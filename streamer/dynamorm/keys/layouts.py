"""How a model's declaration fills the keys of its table and its indexes, and whether it can. Pure: no I/O."""

from collections.abc import Mapping
from datetime import datetime

from streamer.dynamorm.attributes.fields import Field, Role
from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.keys.key_parts import KeyPart
from streamer.dynamorm.keys.templates import KeyTemplate
from streamer.dynamorm.schema import KeyAttribute, Table

IndexTemplates = str | tuple[str] | tuple[str, str]
"""How a model fills the keys of an index: the partition key's template, and the sort key's."""


class Layout:
    """Reads a declaration; every method raises `InvalidModel` with a sentence that says how to mend it."""

    __slots__ = ("_attributes", "_model", "_table")

    def __init__(self, model: str, table: Table, attributes: Mapping[str, Field]) -> None:
        self._model = model
        self._table = table
        self._attributes = attributes

    def check(self, table_keys: tuple[KeyPart, ...], discriminator: tuple[str, str] | None) -> None:
        """Check what is left: names, and what the package writes by itself."""
        self._check_stored_names(discriminator)
        self._check_roles(table_keys)

    def with_role(self, role: Role) -> str | None:
        """Return the attribute that the package writes for this purpose."""
        names = [name for name, held in self._attributes.items() if held.role == role]
        if len(names) > 1:
            raise InvalidModel(f"{self._model} declares {names[0]} and {names[1]} as {role}; keep one.")
        return names[0] if names else None

    def _part(self, key: KeyAttribute, template: str) -> KeyPart:
        parsed = KeyTemplate(template)
        for name in parsed.components:
            if name not in self._attributes:
                known = ", ".join(self._attributes)
                raise InvalidModel(
                    f"The key template {template!r} of {self._model} names {name}, which is no attribute;"
                    f" there are {known}."
                )
        return KeyPart(self._model, key, parsed, {name: self._attributes[name] for name in parsed.components})

    def _plain(self, key: KeyAttribute) -> KeyPart | None:
        for name, held in self._attributes.items():
            if held.stored_name == key.name:
                return KeyPart(self._model, key, None, {name: held})
        return None

    def table_keys(self, partition: str | None, sort: str | None) -> tuple[KeyPart, ...]:
        """Return the keys of the table, partition key first."""
        table = self._table
        if table.sort_key is None and sort is not None:
            raise InvalidModel(
                f"{self._model} has a sort key, but table {table.name} has none; leave sort out."
            )
        parts = [self._table_key(table.partition_key, partition, "partition")]
        if table.sort_key is not None:
            parts.append(self._table_key(table.sort_key, sort, "sort"))
        for part in parts:
            if part.optional is not None:
                raise InvalidModel(
                    f"{self._model}.{part.optional} is part of the key {part.key.name} and can be None;"
                    " every item has a key, so take None out of its type."
                )
        return tuple(parts)

    def _table_key(self, key: KeyAttribute, template: str | None, role: str) -> KeyPart:
        plain = self._plain(key)
        if template is None:
            if plain is None:
                raise InvalidModel(
                    f"{self._model} says nothing of {key.name}, the {role} key of table {self._table.name};"
                    f" give a template, {role}=..., or declare the attribute."
                )
            return plain
        if plain is not None:
            raise InvalidModel(
                f"{self._model} has both a template and an attribute for the key {key.name}; keep one."
            )
        return self._part(key, template)

    def index_keys(
        self, declared: Mapping[str, IndexTemplates], table_keys: tuple[KeyPart, ...]
    ) -> dict[str, tuple[KeyPart, ...]]:
        for name in declared:
            self._table.index(name)
        parts = {}
        for index in self._table.indexes:
            templates = declared.get(index.name, ())
            templates = (templates,) if isinstance(templates, str) else templates
            if len(templates) > len(index.keys):
                raise InvalidModel(
                    f"{self._model} gives a sort key for index {index.name}, which has none; leave it out."
                )
            found = []
            for place, key in enumerate(index.keys):
                template = templates[place] if place < len(templates) else None
                part = self._index_key(index.name, key, template, table_keys)
                if part is None and templates:
                    raise InvalidModel(
                        f"{self._model} says nothing of {key.name}, the sort key of index {index.name};"
                        " give its template behind the partition key's, or declare the attribute."
                    )
                found.append(part)
            held = tuple(part for part in found if part is not None)
            if len(held) == len(index.keys):
                parts[index.name] = held
        return parts

    def _index_key(
        self, index: str, key: KeyAttribute, template: str | None, table_keys: tuple[KeyPart, ...]
    ) -> KeyPart | None:
        plain = self._plain(key)
        if template is None:
            return plain or next((part for part in table_keys if part.key.name == key.name), None)
        if plain is not None:
            raise InvalidModel(
                f"{self._model} has both a template and an attribute for {key.name} of index {index};"
                " keep one."
            )
        return self._part(key, template)

    def templates(
        self, indexes: Mapping[str, tuple[KeyPart, ...]], table_keys: tuple[KeyPart, ...]
    ) -> dict[str, KeyPart]:
        own = {part.key.name: part for part in table_keys}
        found: dict[str, KeyPart] = {}
        for index, parts in indexes.items():
            for part in parts:
                name = part.key.name
                if part.template is None:
                    continue
                held = own.get(name, found.get(name))
                if held is not None and held.template != part.template:
                    raise InvalidModel(
                        f"{self._model} has two templates for {name}, one of them for index {index};"
                        " an item has one value of it, so make them the same."
                    )
                if name not in own:
                    found[name] = part
        return found

    def _check_stored_names(self, discriminator: tuple[str, str] | None) -> None:
        taken = [held.stored_name for held in self._attributes.values()]
        for name in taken:
            if taken.count(name) > 1:
                raise InvalidModel(
                    f"{self._model} stores two attributes as {name}; give one another stored_name."
                )
        if discriminator is not None and discriminator[0] in (*taken, *self._table.key_names()):
            raise InvalidModel(
                f"The discriminator {discriminator[0]} of {self._model} is an attribute or a key already;"
                " give it another name."
            )

    def _check_roles(self, table_keys: tuple[KeyPart, ...]) -> None:
        ttl = next((h for h in self._attributes.values() if h.stored_name == self._table.ttl_attribute), None)
        if ttl is not None and ttl.codec.kind != "N":
            raise InvalidModel(
                f"{self._model}.{ttl.name} is the TTL of table {self._table.name} and must be stored as a"
                " number; make it int, or Annotated[datetime, EPOCH_SECONDS]."
            )
        version = self.with_role("version")
        if version is not None and self._attributes[version].annotation is not int:
            raise InvalidModel(f"{self._model}.{version} counts writes; make it Attribute[int].")
        for name in (self.with_role("created_at"), self.with_role("updated_at")):
            if name is not None:
                held = self._attributes[name]
                if held.plain not in (int, float, datetime) or held.optional:
                    raise InvalidModel(
                        f"{self._model}.{name} is a time; make it Attribute[datetime], or float or int for"
                        " epoch seconds, without None."
                    )
        for part in table_keys:
            for name, held in part.fields.items():
                if held.role is not None:
                    raise InvalidModel(
                        f"{self._model}.{name} changes with every write and cannot be part of the key"
                        f" {part.key.name}; leave it out."
                    )
