"""Every switch of a sandbox: AWS's figures as defaults, and a default of ours where AWS's are not known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import msgspec

from emulator.errors import InvalidSettings
from emulator.events.settings import EventSettings
from emulator.gateway import AccountLimits, GatewaySettings
from emulator.runtime.settings import RuntimeSettings

INLINE_ENVIRONMENTS = 8
"""Threads of one function at most: beyond that they only wait for each other, in one interpreter. Ours."""


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
        for room, given in values.items():
            _check_names("room of settings", [room], [one.name for one in fields(self)])
            current = getattr(self, room)
            _check_names(f"setting of {room}", given, [one.name for one in fields(current)])
            try:
                changes[room] = msgspec.convert({**asdict(current), **given}, type(current), strict=False)
            except msgspec.ValidationError as error:
                raise InvalidSettings(f"A setting of {room} cannot be that: {error}.") from error
        return replace(self, **changes)


def _check_names(what: str, given: Any, known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise InvalidSettings(f"There is no {what} called {name!r}; there are {', '.join(known)}.")
