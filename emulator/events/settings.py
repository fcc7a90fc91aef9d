"""What may be chosen about the event sources; a default that is not AWS's says why."""

from dataclasses import dataclass, field

from emulator.events.pacing import Backoff, Polling


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The event sources' settings.

    Attributes:
        polling: how streams are polled. AWS: four times a second (row F40), which `Polling.AWS` imitates;
            adaptive, so that a record reaches its function within milliseconds.
        retry_backoff: the wait before a batch that failed is delivered again. AWS: unknown (row F56).
        progress_restores_attempts: whether a batch of which a part was finished has all its attempts again.
            AWS: unknown (row F57); what was recorded there fits that it has not.
    """

    polling: Polling = Polling.ADAPTIVE
    retry_backoff: Backoff = field(default_factory=Backoff)
    progress_restores_attempts: bool = False


DEFAULTS = EventSettings()
