"""`@dataclass(frozen=True, slots=True)` at a fifth of its import cost. Pure: no I/O.

The standard library's compiles six methods for each class, 0.7 ms; the package has fifty classes, those that
import it have as many, and an import is a part of a function's cold start. Here `__init__` alone is compiled,
when the first instance is made; the other methods are shared. Type checkers see the standard library's.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """Make a frozen, slotted dataclass, equal, shown, hashed, copied and pickled as the usual one is."""
        assert frozen
        assert slots
        return partial(_made, kw_only=kw_only)


def _made(declared: type, *, kw_only: bool) -> Any:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(declared)
    fields = dataclasses.fields(made)
    made.__init__ = _first_initializer(made, fields)
    names = tuple(field.name for field in fields)
    compared = tuple(field.name for field in fields if field.compare)
    shown = tuple(field.name for field in fields if field.repr)

    def values(self: Any) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in compared])

    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def hashed(self: Any) -> int:
        return hash(values(self))

    def show(self: Any) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({inside})"

    def get_state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def set_state(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    methods = {
        "__eq__": equal,
        "__hash__": hashed,
        "__repr__": show,
        "__getstate__": get_state,
        "__setstate__": set_state,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
    }
    for name, method in methods.items():
        if declared.__dict__.get(name) is None:
            setattr(made, name, method)
    return made


def _first_initializer(made: Any, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807  # errors of a call name it
        made.__init__ = _initializer(made, fields)
        made.__init__(self, *values, **named)

    return __init__


def _initializer(made: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    known: dict[str, Any] = {"_set": object.__setattr__, "_absent": dataclasses.MISSING}
    positional: list[str] = []
    keywords: list[str] = []
    lines: list[str] = []
    for field in fields:
        name = field.name
        parameter = name
        if field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_absent"
            lines.append(f" if {name} is _absent: {name} = _make_{name}()")
        (keywords if field.kw_only else positional).append(parameter)
        lines.append(f" _set(self, {name!r}, {name})")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    parameters = ", ".join(["self", *positional, *(["*", *keywords] if keywords else [])])
    exec("\n".join([f"def __init__({parameters}):", *(lines or [" pass"])]), known)  # noqa: S102  # as dataclasses does
    made_init: Callable[..., None] = known["__init__"]
    made_init.__qualname__ = f"{made.__qualname__}.__init__"
    return made_init


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
