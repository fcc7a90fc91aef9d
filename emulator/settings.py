"""Every switch of a sandbox: AWS's figures as defaults, and a default of ours where AWS's are not known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, get_args

import msgspec

from emulator.errors import InvalidSettings
from emulator.events.settings import EventSettings
from emulator.gateway import AccountLimits, GatewaySettings
from emulator.runtime.settings import RuntimeSettings

INLINE_ENVIRONMENTS = 8
"""Threads of one function at most: beyond that they only wait for each other, in one interpreter. Ours."""

MAY_BE_ZERO = frozenset({"gateway.close_timeout_s", "runtime.exit_grace_s", "runtime.retry_delays_s"})
"""The numbers that may be 0, which means at once; every other number of these settings is greater."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a sandbox, by room.

    Attributes:
        account: API Gateway's limits of the account.
    """

    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    account: AccountLimits = field(default_factory=AccountLimits)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
    events: EventSettings = field(default_factory=EventSettings)

    @classmethod
    def inline(cls) -> "Settings":
        """Return the defaults where functions run in threads."""
        return cls(runtime=RuntimeSettings(max_environments_per_function=INLINE_ENVIRONMENTS))

    def changed(self, values: Mapping[str, Mapping[str, Any]]) -> "Settings":
        """Return these settings with some changed: `{"gateway": {"idle_timeout_s": 60}}`.

        Args:
            values: may be texts, as a command line has them: `"true"`, `"60"`.

        Raises:
            InvalidSettings: there is no such setting, or it cannot have this value.
        """
        changes = {}
        for room, given in _members("Settings", values):
            _check_name("room of settings", room, [one.name for one in fields(self)])
            current = getattr(self, room)
            types = {one.name: one.type for one in fields(current)}
            changed = {}
            for name, value in _members(f"The settings of {room}", given):
                _check_name(f"setting of {room}", name, list(types))
                changed[name] = _value(f"{room}.{name}", value, types[name])
            changes[room] = replace(current, **changed)
        return replace(self, **changes)


def _members(what: str, given: Any) -> list[tuple[Any, Any]]:
    if not isinstance(given, Mapping):
        raise InvalidSettings(f"{what} are given by name, {{NAME: VALUE}}, not as {given!r}.")
    return list(given.items())


def _check_name(what: str, name: Any, known: list[str]) -> None:
    if name not in known:
        raise InvalidSettings(f"There is no {what} called {name!r}; there are {', '.join(known)}.")


def _value(name: str, value: Any, kind: Any) -> Any:
    """Return a setting's value as its type has it. Raises InvalidSettings."""
    try:
        converted = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        converted = None
    if converted is None or not _is_in_range(name, converted):
        raise InvalidSettings(f"The setting {name} cannot be {value!r}: it takes {_wanted(name, kind)}.")
    return converted


def _is_in_range(name: str, value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_in_range(name, one) for one in value)
    if isinstance(value, str | bool):
        return True
    return math.isfinite(value) and (value > 0 or (value == 0 and name in MAY_BE_ZERO))


def _wanted(name: str, kind: Any) -> str:
    """Say in words which values a setting takes."""
    if kind is str:
        return "a text"
    if kind is bool:
        return "true or false"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(kind)
    if members := get_args(kind):
        return f"a list, each of it {_wanted(name, members[0])}"
    number = "a whole number" if kind is int else "a number"
    return f"{number}, 0 or greater" if name in MAY_BE_ZERO else f"{number} greater than 0"
