"""What the processor hands to the executor: which request to run."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamer.store import RequestKey


class Work(msgspec.Struct, frozen=True):
    """One request that waits to be run.

    Shape:
        `{"tenant_id": str, "user_id": str, "request_id": str, "correlation_id": str}`
    """

    tenant_id: str
    user_id: str
    request_id: str
    correlation_id: str

    @property
    def key(self) -> "RequestKey":
        from streamer.store import RequestKey  # the processor, which makes `Work`, starts without it

        return RequestKey(self.tenant_id, self.user_id, self.request_id)


def owner_of(invocation_id: str, random: Callable[[], float]) -> str:
    """Return what an invocation calls itself when it claims: nobody else does, whatever Lambda repeats.

    Args:
        random: returns numbers in [0, 1).
    """
    return f"{invocation_id}/{int(random() * 2**32):08x}"


def is_of(owner: str | None, invocation_id: str) -> bool:
    """Whether `owner_of` made an owner for this invocation."""
    return owner is not None and owner.partition("/")[0] == invocation_id
