"""What may be chosen about the event sources; a default that is not AWS's says why."""

from dataclasses import dataclass

from emulator.events.pacing import Backoff, Polling

STOP_GRACE_S = 1.0
"""What invocations under way have to finish when a poller is stopped. Ours."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The event sources' settings.

    Attributes:
        polling: how streams are polled. AWS: four times a second (row F40), which `Polling.AWS` imitates;
            adaptive, so that a record reaches its function within milliseconds.
        retry_first_s: the wait before a batch that failed is delivered again, doubled with each failure in
            a row and shortened by up to a half at random. AWS: unknown (row F56).
        retry_longest_s: the longest such wait. AWS: unknown (row F56).
        progress_restores_attempts: whether a batch of which a part was finished has all its attempts again.
            AWS: unknown (row F57); what was recorded there fits that it has not.
    """

    polling: Polling = Polling.ADAPTIVE
    retry_first_s: float = 1.0
    retry_longest_s: float = 60.0
    progress_restores_attempts: bool = False

    @property
    def retry_backoff(self) -> Backoff:
        """The waits between deliveries of a batch that failed."""
        return Backoff(self.retry_first_s, self.retry_longest_s)


DEFAULTS = EventSettings()
