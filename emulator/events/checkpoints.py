"""How far each shard has been processed: what a poller that starts again continues from."""

from typing import NamedTuple


class Place(NamedTuple):
    """Whose progress in which shard."""

    function: str
    stream_arn: str
    shard_id: str


class Checkpoints:
    """Keeps the last finished sequence number per place, in memory.

    A checkpoint lives as long as the stream it points into: the embedded back end keeps its streams in
    memory as well.
    """

    def __init__(self) -> None:
        self._sequence_numbers: dict[Place, str] = {}

    def find(self, place: Place) -> str | None:
        """Return the sequence number of the last finished record, None where none is."""
        return self._sequence_numbers.get(place)

    def set(self, place: Place, sequence_number: str) -> None:
        """Note that every record up to `sequence_number` is finished."""
        self._sequence_numbers[place] = sequence_number
