"""The package's dataclasses behave as the standard library's frozen, slotted ones do."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace
from dataclasses import dataclass as standard
from typing import Any

import pytest

from streamer.dynamorm.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    """Some of everything."""

    one: int
    two: str = "b"
    many: list[int] = field(default_factory=list, compare=False)
    hidden: int = field(default=0, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.one < 0:
            raise ValueError("one is at least 0")


@standard(frozen=True, slots=True)
class Theirs:
    """The same."""

    one: int
    two: str = "b"
    many: list[int] = field(default_factory=list, compare=False)
    hidden: int = field(default=0, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.one < 0:
            raise ValueError("one is at least 0")


def matched(value: Any) -> Any:
    match value:
        case Ours(one, two) | Theirs(one, two):
            return one, two


def refused(call: Callable[[], object]) -> type | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001  # its type is what is compared
        return type(error)
    return None


USES: dict[str, Callable[[Any], Any]] = {
    "shown": lambda kind: repr(kind(1, hidden=3)).replace(kind.__name__, "Kind"),
    "equal": lambda kind: kind(1, "x") == kind(one=1, two="x", many=[9]),
    "different": lambda kind: kind(1) == kind(1, hidden=1),
    "nothing else": lambda kind: kind(1) == (1, "b", 0),
    "hashed": lambda kind: hash(kind(1)) == hash(kind(1, many=[1])),
    "made anew": lambda kind: kind(1).many is kind(1).many,
    "matched": lambda kind: matched(kind(1, "x")),
    "replaced": lambda kind: replace(kind(1, "x", [2]), one=5).many,
    "checked when replaced": lambda kind: refused(lambda: replace(kind(1), one=-1)),
    "set": lambda kind: refused(lambda: setattr(kind(1), "one", 2)),
    "deleted": lambda kind: refused(lambda: delattr(kind(1), "one")),
    "without a value": refused,
    "with one too many": lambda kind: refused(lambda: kind(1, "b", [], 4)),
    "copied": lambda kind: copy.deepcopy(kind(1, many=[2])).many,
    "pickled": lambda kind: pickle.loads(pickle.dumps(kind(1, "x", [3], hidden=4))).hidden,
    "a dictionary": lambda kind: hasattr(kind(1), "__dict__"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_as_the_standard_library_does(use: Callable[[Any], Any]) -> None:
    """Whatever one does with it, the same comes of it."""
    assert use(Ours) == use(Theirs)


def test_by_name_only() -> None:
    """A class of many fields takes them by their names alone, if it says so."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        one: int
        two: int = 2

    assert repr(Named(one=1)).endswith("Named(one=1, two=2)")
    with pytest.raises(TypeError, match="positional"):
        Named(1)  # type: ignore[misc, call-arg]


def test_a_field_cannot_be_set() -> None:
    """The error is the standard library's."""
    with pytest.raises(FrozenInstanceError, match="one"):
        Ours(1).one = 2  # type: ignore[misc]


def test_the_first_call_is_refused_as_the_next() -> None:
    """What makes instances is compiled at the first call, whatever comes of it."""

    @dataclass(frozen=True, slots=True)
    class Base:
        one: int

    @dataclass(frozen=True, slots=True)
    class Further(Base):
        two: int = 2

    for _ in range(2):
        with pytest.raises(TypeError, match="__init__\\(\\) missing 1 required positional argument: 'one'"):
            Further()  # type: ignore[call-arg]
    assert repr(Further(1)).endswith("Further(one=1, two=2)")
    assert repr(Base(1)).endswith("Base(one=1)")
