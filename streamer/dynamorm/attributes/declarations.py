"""How a model's author describes an attribute beyond its type. Pure: no I/O."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from streamer.dynamorm.attributes.attribute import Attribute
from streamer.dynamorm.attributes.fields import REQUIRED, UNSET, Declaration

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
    """
    return Declaration(default, default_factory, stored_name)


def version_number(*, stored_name: str | None = None, init: Literal[False] = False) -> Attribute[int]:
    """Declare the attribute that counts an item's writes, `version: Attribute[int] = version_number()`.

    It is 0 in an item that was never written. A put succeeds only if the stored item still has the
    version of the one that is put, and every write raises it by one: no update is lost.
    """
    return Declaration(0, None, stored_name, "version")  # type: ignore[return-value]


def created_stamp(*, stored_name: str | None = None, init: Literal[False] = False) -> Attribute[T]:
    """Declare the attribute that says when an item was first written; later writes keep it.

    Its type is `datetime`, `float` or `int` (epoch seconds). It has no value before the item is read.
    """
    return Declaration(UNSET, None, stored_name, "created_at")  # type: ignore[return-value]


def updated_stamp(*, stored_name: str | None = None, init: Literal[False] = False) -> Attribute[T]:
    """Declare the attribute that says when an item was last written; as `created_stamp` otherwise."""
    return Declaration(UNSET, None, stored_name, "updated_at")  # type: ignore[return-value]
