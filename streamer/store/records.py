"""Records of tenants: what `bulk_operation` writes. Each belongs to a tenant and a kind of its own."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from streamer.clock import Clock
from streamer.dynamorm import BatchWriteUnfinished, ConditionFailed, Delete, Engine, Put
from streamer.errors import InvalidMessage
from streamer.settings import Settings
from streamer.store.documents import read_document, write_document
from streamer.store.models import Record
from streamer.store.tables import TableStore, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class RecordStore(TableStore):
    """The records of one tenant and kind. Thread-safe.

    Every method raises `ServiceUnavailable` where the table does not answer for now.
    """

    def __init__(
        self,
        client: "DynamoDBClient | Engine",
        settings: Settings,
        clock: Clock,
        *,
        tenant_id: str,
        entity_type: str,
        written_by: str,
    ) -> None:
        """Take a client.

        Args:
            written_by: names the request that writes, and no other one, so that its repetition finds its
                own records.
        """
        super().__init__(client, settings, clock)
        self._tenant_id = tenant_id
        self._entity_type = entity_type
        self._written_by = written_by

    @translated
    def find(self, record_id: str) -> dict[str, Any] | None:
        """Return a record's fields, read consistently, or None."""
        found = self._database.find(Record.at(**self._key(record_id)), consistent=True)
        return None if found is None else read_document(found.data)

    @translated
    def create(self, record_id: str, fields: Mapping[str, Any]) -> bool:
        """Write a record that is not there. What this request wrote before counts as not there.

        Returns:
            False if there is one.

        Raises:
            InvalidMessage: the fields are too large to be stored.
        """
        absent = Record.record_id.does_not_exist() | (Record.written_by == self._written_by)
        return self._try(Put(self._record(record_id, fields), absent))

    @translated
    def update(self, record_id: str, fields: Mapping[str, Any]) -> bool:
        """Write a record in the place of the one that is there.

        Returns:
            False if there is none.

        Raises:
            InvalidMessage: the fields are too large to be stored.
        """
        return self._try(Put(self._record(record_id, fields), Record.record_id.exists()))

    @translated
    def put_all(self, records: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
        """Write records, in the place of those that are there, in batches.

        Returns:
            The ids of those that are not known to be written.

        Raises:
            InvalidMessage: the fields of one are too large to be stored; nothing was written.
        """
        return self._write(
            {record_id: Put(self._record(record_id, fields)) for record_id, fields in records.items()}
        )

    @translated
    def delete_all(self, record_ids: Iterable[str]) -> frozenset[str]:
        """Delete records, in batches; one that is not there is deleted, too.

        Returns:
            The ids of those that are not known to be gone.
        """
        return self._write({record_id: Delete(Record.at(**self._key(record_id))) for record_id in record_ids})

    def check(self, fields: Mapping[str, Any]) -> None:
        """Refuse fields that cannot be stored.

        Raises:
            InvalidMessage: they are too large.
        """
        write_document(fields, what="The item", error=InvalidMessage)

    def _write(self, actions: Mapping[str, Put | Delete[Record]]) -> frozenset[str]:
        try:
            self._database.batch_write(actions.values())
        except BatchWriteUnfinished as error:
            left = [request.key.values for request in error.requests]
            return frozenset(record_id for record_id, action in actions.items() if action.key.values in left)
        return frozenset()

    def _try(self, put: Put) -> bool:
        try:
            self._database.write(put)
        except ConditionFailed:
            return False
        return True

    def _key(self, record_id: str) -> dict[str, str]:
        return {"tenant_id": self._tenant_id, "entity_type": self._entity_type, "record_id": record_id}

    def _record(self, record_id: str, fields: Mapping[str, Any]) -> Record:
        return Record(
            **self._key(record_id),
            data=write_document(fields, what="The item", error=InvalidMessage),
            written_by=self._written_by,
            written_at=self._clock.now(),
        )
