"""What a model knows of each of its attributes, whoever asks. Pure: no I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from streamer.dynamorm.errors import EncodingFailed
from streamer.dynamorm.values import AttributeValue, Codec

REQUIRED: Any = object()
"""Stands for the default of an attribute that has none."""

UNSET: Any = object()
"""Stands for the default of an attribute that has no value until its item is written."""

Role = Literal["version", "created_at", "updated_at"]
"""What the package itself writes into an attribute."""


@dataclass(slots=True)
class Field:
    """One attribute of a model.

    Attributes:
        model: the model's name.
        name: what the attribute is called in Python.
        stored_name: what it is called in the item.
        annotation: its type, as declared.
        default: the value where none is given or stored; `REQUIRED` or `UNSET` where there is none.
        factory: makes the default, where it is made anew for each item.
        role: what the package writes into it by itself; None: nothing.
    """

    model: str
    name: str
    stored_name: str
    annotation: Any
    codec: Codec
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
        return not self.has_default and self.codec.empty is None

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


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a model's author said of an attribute beyond its type."""

    default: Any = REQUIRED
    factory: Callable[[], Any] | None = None
    stored_name: str | None = None
    role: Role | None = None
