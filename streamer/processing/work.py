"""What the processor hands to the executor: which request to run."""

import msgspec

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
    def key(self) -> RequestKey:
        return RequestKey(self.tenant_id, self.user_id, self.request_id)
