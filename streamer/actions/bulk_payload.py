"""Which records a client wants written. Cheap to import: the router reads it too."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from streamer.actions.objects import check_source_name
from streamer.actions.payloads import Payload

MAX_ITEMS = 10_000
"""Items in one payload. The original system's figure; more of them come as a source."""

MAX_BATCH_SIZE = 100
"""Items between two reports of progress. The original system's figure."""


class BulkPayload(Payload, frozen=True, kw_only=True):
    """Which records, and what is done with them.

    Attributes:
        operation_type: `create` refuses those that are there, `update` those that are not; `put` writes
            either way; `delete` is content with those that are gone.
        entity_type: the kind of the records; a tenant has any number of kinds.
        items: objects with an `id` (1 to 128 characters) and any further fields; of two with one id the
            latter stands.
        source: in their place, a file `NAME.jsonl` with one such object a line; looked for among the
            tenant's sources, then among the shared ones.
        batch_size: items after which progress is reported and the work is safe.
    """

    operation_type: Literal["create", "update", "put", "delete"]
    entity_type: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
    items: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MAX_ITEMS)] | None = None
    source: str | None = None
    batch_size: Annotated[int, Meta(ge=1, le=MAX_BATCH_SIZE)] = 25

    def __post_init__(self) -> None:
        if (self.items is None) is (self.source is None):
            raise ValueError("either items or source is given")
        if self.source is not None:
            check_source_name(self.source)
            if not self.source.endswith(".jsonl"):
                raise ValueError("source ends in .jsonl")
