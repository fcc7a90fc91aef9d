"""What the parts of event sources hand each other."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from emulator.alarm import Alarm
from emulator.application import StreamMapping
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.events.checkpoints import Checkpoints, Place
from emulator.events.settings import EventSettings
from emulator.faults import Faults
from emulator.invocation import Invoker
from emulator.telemetry.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Services:
    """What every poller of an application shares.

    Attributes:
        ids: makes a new request id.
    """

    invoker: Invoker
    destinations: Destinations
    clock: Clock
    alarm: Alarm
    timeline: Timeline
    random: Random
    ids: Callable[[], str]
    checkpoints: Checkpoints
    settings: EventSettings
    faults: Faults


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
