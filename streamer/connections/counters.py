"""How many messages took which end. Pure."""

from streamer.dynamorm.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a manager did since it was made.

    Attributes:
        sent: messages that API Gateway took.
        failed: messages that were given up.
        gone: messages to connections that are over.
        rejected: messages that the circuit breaker did not let through.
        retried: further posts after the first one of a message.
    """

    sent: int = 0
    failed: int = 0
    gone: int = 0
    rejected: int = 0
    retried: int = 0
