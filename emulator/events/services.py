"""What the parts of event sources hand each other."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from emulator.alarm import Alarm
from emulator.application import StreamMapping
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.events.checkpoints import Checkpoints, Place
from emulator.events.settings import DEFAULTS, EventSettings
from emulator.faults import Faults
from emulator.invocation import Invoker
from emulator.telemetry.timeline import Timeline


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every event source of an application shares.

    Attributes:
        ids: makes the id of a request, an event, or a mapping that is created at run time.
        checkpoints: of an earlier run on the same streams, to go on from.
    """

    invoker: Invoker
    destinations: Destinations
    clock: Clock
    alarm: Alarm
    timeline: Timeline
    random: Random
    faults: Faults
    ids: Callable[[], str] = _new_id
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    settings: EventSettings = DEFAULTS


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who reads a stream, and how.

    Attributes:
        mapping_id: the UUID of the event source mapping.
    """

    mapping: StreamMapping
    mapping_id: str
    function_arn: str

    def facts(self, place: Place | None = None) -> dict[str, str]:
        """Return what the log and the timeline say of who reads what; `place` adds the shard."""
        shard = {} if place is None else {"shard": place.shard_id}
        return {"table": self.mapping.table, "function": self.mapping.function, **shard}
