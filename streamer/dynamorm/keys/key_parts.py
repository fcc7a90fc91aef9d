"""A key attribute of a table or an index, as a model fills it. Pure: no I/O."""

from collections.abc import Mapping
from typing import Any

from streamer.dynamorm.attributes.fields import Field
from streamer.dynamorm.errors import DecodingFailed, EncodingFailed, InvalidModel
from streamer.dynamorm.keys.templates import KeyTemplate
from streamer.dynamorm.schema import KeyAttribute, KeyType
from streamer.dynamorm.values.low_level import AttributeValue


class KeyPart:
    """Writes one key attribute from a model's values, and reads them back.

    Attributes:
        key: its name in the item and its type.
        template: how it is written; None: an attribute of the model is the key itself.
        fields: the model's attributes that it is made of, by their names.
    """

    __slots__ = ("_sources", "components", "fields", "key", "template")

    def __init__(
        self, owner: str, key: KeyAttribute, template: KeyTemplate | None, fields: Mapping[str, Field]
    ) -> None:
        """Check that the attributes can make the key.

        Raises:
            InvalidModel: they cannot; says what would.
        """
        self.key = key
        self.template = template
        self.fields = dict(fields)
        self.components = tuple(fields)
        self._sources = [(name, field, field.annotation is str) for name, field in fields.items()]
        if template is None:
            ((name, field),) = fields.items()
            if field.codec.kind != key.type.value:
                raise InvalidModel(
                    f"{owner}.{name} is stored as {field.codec.kind or 'whatever it is'}, but the key"
                    f" {key.name} is declared as {key.type.value}; make the two the same."
                )
            return
        if key.type is not KeyType.STRING:
            raise InvalidModel(
                f"The key {key.name} of {owner} has a template and is of type {key.type.value}; a template"
                " writes text, so declare the key as text or make an attribute the key."
            )
        for segment in template.segments:
            if segment.is_component:
                self._check_component(owner, fields[segment.text], segment.width)

    def _check_component(self, owner: str, field: Field, width: int | None) -> None:
        kind = field.codec.kind
        if kind != "S" and not (kind == "N" and field.is_integer):
            raise InvalidModel(
                f"{owner}.{field.name} is part of the key {self.key.name}, but is stored neither as text nor"
                " as an integer; make it one of them, or convert it."
            )
        if width is not None and kind != "N":
            raise InvalidModel(
                f"{owner}.{field.name} is no integer; leave its digits out of the key template."
            )

    @property
    def optional(self) -> str | None:
        """Name of an attribute without which there is no key."""
        return next((name for name, field in self.fields.items() if field.optional), None)

    def write(self, values: Mapping[str, Any]) -> AttributeValue | None:
        """Return the key attribute; None: an attribute that it is made of has no value.

        Raises:
            EncodingFailed: a value cannot stand in a key.
        """
        raw: dict[str, str | int] = {}
        for name, field, is_text in self._sources:
            value = values.get(name)
            if value is None:
                return None
            if is_text and type(value) is str:
                raw[name] = value
            else:
                raw[name] = raw_component(field.encode(value)) if self.template else value
        if self.template is not None:
            return {"S": self.template.render(raw)}
        return _not_empty(field.encode(value), field)

    def read(self, stored: AttributeValue) -> dict[str, Any]:
        """Return the values that the key attribute was made of.

        Raises:
            DecodingFailed: it was not written by this model.
        """
        try:
            if self.template is None:
                return {name: field.codec.decode(stored) for name, field in self.fields.items()}
            texts = self.template.parse(stored["S"])
            return {
                name: field.codec.decode({field.codec.kind or "S": texts[name]})
                for name, field in self.fields.items()
            }
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DecodingFailed(f"The stored key {self.key.name} is of another type or model.") from error


def raw_component(stored: AttributeValue) -> str | int:
    """Return what a template takes of a value that is text or an integer."""
    if "S" in stored:
        text: str = stored["S"]
        return text
    return int(stored["N"])


def _not_empty(stored: AttributeValue, field: Field) -> AttributeValue:
    if stored in ({"S": ""}, {"B": b""}):
        raise EncodingFailed(f"{field.model}.{field.name} is a key and cannot be empty.")
    return stored
