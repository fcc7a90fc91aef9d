"""How a model's author describes an attribute beyond its type. Pure: no I/O."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from streamer.dynamorm.attributes import Attribute
from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.fields import REQUIRED, Declaration

T = TypeVar("T")


@overload
def attribute(*, stored_name: str | None = None) -> Attribute[T]: ...
@overload
def attribute(*, default: T, stored_name: str | None = None) -> Attribute[T]: ...
@overload
def attribute(*, default_factory: Callable[[], T], stored_name: str | None = None) -> Attribute[T]: ...
def attribute(
    *,
    default: Any = REQUIRED,
    default_factory: Callable[[], Any] | None = None,
    stored_name: str | None = None,
) -> Any:
    """Describe an attribute of a model beyond its type.

    Args:
        default: the value where none is given or stored; None means that the attribute is absent.
        default_factory: makes the default anew each time; for lists, maps and the like.
        stored_name: what the attribute is called in the item, if not as in the model.

    Raises:
        InvalidModel: the default could be changed by one item for all.
    """
    if type(default).__hash__ is None:
        raise InvalidModel(
            f"The default {default!r} would be shared by all items;"
            f" write default_factory={type(default).__name__}."
        )
    return Declaration(default, default_factory, stored_name)
