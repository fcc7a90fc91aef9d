"""What a model knows of each of its attributes, whoever asks. Pure: no I/O."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin

from streamer.dynamorm.errors import EncodingFailed, InvalidModel
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.values.codec import Codec, codec_for, is_optional
from streamer.dynamorm.values.converters import Converter
from streamer.dynamorm.values.low_level import AttributeValue

REQUIRED: Any = object()
"""Stands for the default of an attribute that has none."""

UNSET: Any = object()
"""Stands for the default of an attribute that has no value until its item is written."""

Role = Literal["version", "created_at", "updated_at"]
"""What the package itself writes into an attribute."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a model's author said of an attribute beyond its type."""

    default: Any = REQUIRED
    factory: Callable[[], Any] | None = None
    stored_name: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute of a model.

    Attributes:
        model: the model's name.
        name: what the attribute is called in Python.
        stored_name: what it is called in the item.
        annotation: its type, as declared.
        optional: whether None is a value of it.
        default: the value where none is given or stored; `REQUIRED` or `UNSET` where there is none.
        factory: makes the default, where it is made anew for each item.
        role: what the package writes into it by itself; None: nothing.
    """

    model: str
    name: str
    stored_name: str
    annotation: Any
    codec: Codec
    optional: bool = False
    default: Any = REQUIRED
    factory: Callable[[], Any] | None = None
    role: Role | None = None

    @property
    def has_default(self) -> bool:
        """Whether an instance can be made without a value of it."""
        return self.default is not REQUIRED or self.factory is not None

    @property
    def required(self) -> bool:
        """Whether an item cannot be without it; an absent set is an empty one."""
        return not self.has_default and self.codec.empty is None and not self.optional

    @property
    def plain(self) -> Any:
        """The type without `| None` and `Annotated`."""
        annotation = self.annotation
        if self.optional:
            inner = [argument for argument in get_args(annotation) if argument is not type(None)]
            annotation = inner[0] if len(inner) == 1 else annotation
        return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation

    @property
    def is_integer(self) -> bool:
        """Whether its numbers are integers in any case."""
        annotation = self.annotation
        for argument in get_args(annotation) if self.optional else ():
            annotation = argument if argument is not type(None) else annotation
        if get_origin(annotation) is Annotated:
            converters = [held for held in get_args(annotation) if isinstance(held, Converter)]
            annotation = converters[0].stored if converters else get_args(annotation)[0]
        if get_origin(annotation) is Literal:
            return self.codec.kind == "N"
        annotation = getattr(annotation, "__supertype__", annotation)
        return isinstance(annotation, type) and issubclass(annotation, int)

    def absent(self) -> Any:
        """Return the value of the attribute where the item has none."""
        if self.factory is not None:
            return self.factory()
        return self.codec.empty if self.default is REQUIRED else self.default

    def encode(self, value: Any) -> AttributeValue:
        """Write a value.

        Raises:
            EncodingFailed: it is of another type or cannot be stored.
        """
        try:
            return self.codec.encode(value)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise EncodingFailed(f"{self.model}.{self.name} cannot hold the value: {error}.") from error


def declared_field(model: str, name: str, annotation: Any, held: Any) -> Field:
    """Return the attribute that was declared.

    Args:
        held: what stands behind the annotation: a `Declaration`, a plain default, or `REQUIRED`.

    Raises:
        InvalidModel: it cannot work; says how it would.
    """
    declared = held if isinstance(held, Declaration) else Declaration(held)
    try:
        codec = codec_for(annotation)
    except TypeError as error:
        raise InvalidModel(f"{model}.{name}: {error}") from error
    field = Field(
        model,
        name,
        declared.stored_name or name,
        annotation,
        codec,
        is_optional(annotation),
        declared.default,
        declared.factory,
        declared.role,
    )
    if field.has_default and field.default is not UNSET:
        _check_default(field)
    return field


def _check_default(field: Field) -> None:
    shown = f"{field.model}.{field.name}"
    if field.factory is None and type(field.default).__hash__ is None:
        raise InvalidModel(
            f"The default of {shown} would be shared by all items; write"
            f" attribute(default_factory={type(field.default).__name__})."
        )
    default = field.absent()
    if field.optional and default is not None:
        raise InvalidModel(
            f"{shown} can be None, which is stored as its absence and would be read as its default"
            f" {default!r}; make the default None, or the type without None."
        )
    if field.codec.empty is not None:
        if default:
            raise InvalidModel(
                f"{shown} is a set, and an empty one would be read as its default; make the default empty."
            )
    elif default is not None or not field.optional:
        try:
            field.encode(default)
        except EncodingFailed as error:
            raise InvalidModel(f"The default of {shown} is not of its type; give another one.") from error
