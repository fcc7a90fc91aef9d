"""Several kinds of item in one table, each read as the model that it is. Pure: no I/O."""

from collections.abc import Mapping
from typing import Generic

from streamer.dynamorm.errors import DecodingFailed, InvalidModel
from streamer.dynamorm.expressions.conditions import Condition
from streamer.dynamorm.keys.key_parts import KeyPart
from streamer.dynamorm.models.model import M
from streamer.dynamorm.models.model_schema import Schema
from streamer.dynamorm.schema import KeyAttribute
from streamer.dynamorm.values.low_level import AttributeValue


class Kinds(Generic[M]):
    """Models of one table, `Kinds[Order | Invoice](Order, Invoice)`; a query takes it in a model's place.

    An item is of the model whose discriminator it has, or whose key templates wrote its keys; if several
    could have, of the one with more constant text.
    """

    def __init__(self, *models: type[M]) -> None:
        """Take the models.

        Raises:
            InvalidModel: they are of several tables, or nothing tells two of them apart.
        """
        if not models:
            raise InvalidModel("Kinds takes at least one model; name those that the table holds.")
        self.models = tuple(sorted(models, key=_constancy, reverse=True))
        self.__name__ = " | ".join(model.__name__ for model in models)
        self.__schema__ = _SharedSchema(self.__name__, [model.__schema__ for model in models])
        for place, one in enumerate(self.models):
            for other in self.models[place + 1 :]:
                _check_apart(one, other)

    def find_model(self, item: Mapping[str, AttributeValue]) -> type[M] | None:
        """Return the model that an item is of, or None."""
        return next((model for model in self.models if model.__schema__.fits(dict(item))), None)

    def from_item(self, item: Mapping[str, AttributeValue], *, only: frozenset[str] | None = None) -> M:
        """Read an item as the model that it is of.

        Raises:
            DecodingFailed: it is of none of them, or does not fit the one that it is of.
        """
        model = self.find_model(item)
        if model is None:
            raise DecodingFailed(f"The item is no {self.__name__}; add the model that it is of.")
        return model.from_item(item)


class _SharedSchema(Schema):
    """What models of one table have in common: the table, and its partition key."""

    __slots__ = ("_schemas",)

    def __init__(self, name: str, schemas: list[Schema]) -> None:
        first = schemas[0]
        if any(schema.table != first.table for schema in schemas):
            raise InvalidModel(f"{name} are of several tables; make Kinds of each table's models.")
        self._schemas = schemas
        self.model = name
        self.table = first.table
        self.attributes = {}
        self.discriminator = None
        self.version = self.created_at = self.updated_at = None
        shared = all(schema.keys[0].template == first.keys[0].template for schema in schemas)
        own = (first.keys[0] if shared else _Unwritten(first.table.partition_key),)
        sort = first.table.sort_key
        self.keys = own if sort is None else (*own, _Unwritten(sort))
        self.indexes = {
            index.name: tuple(_Unwritten(key) for key in index.keys) for index in first.table.indexes
        }
        self.index_keys = {}

    def kind(self) -> Condition | None:
        kinds = [schema.kind() for schema in self._schemas]
        condition = kinds[0]
        for kind in kinds[1:]:
            condition = None if condition is None or kind is None else condition | kind
        return condition


class _Unwritten(KeyPart):
    """A key attribute that each kind of item fills in its own way."""

    __slots__ = ()

    def __init__(self, key: KeyAttribute) -> None:
        self.key = key
        self.template = None
        self.fields = {}
        self.components = ()


def _constancy(model: type[M]) -> int:
    schema = model.__schema__
    templates = [part.template for part in schema.keys if part.template is not None]
    constant = sum(not segment.is_component for held in templates for segment in held.segments)
    return constant + 1000 * (schema.discriminator is not None)


def _check_apart(one: type[M], other: type[M]) -> None:
    first, second = one.__schema__, other.__schema__
    if first.discriminator is not None or second.discriminator is not None:
        apart = first.discriminator != second.discriminator
    else:
        pairs = [
            (held.template, its.template)
            for held, its in zip(first.keys, second.keys, strict=True)
            if held.template is not None and its.template is not None
        ]
        apart = _constancy(one) != _constancy(other) or any(not a.overlaps(b) for a, b in pairs)
    if not apart:
        raise InvalidModel(
            f"Nothing tells {one.__name__} from {other.__name__}; give their key templates different constant"
            " text, or each a discriminator."
        )
