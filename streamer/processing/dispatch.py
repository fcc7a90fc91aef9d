"""From the stream of the requests table to the executor: one invocation per waiting request."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from logging import Logger
from typing import Any

import msgspec

from streamer.processing.work import Work

MAX_PARALLEL_INVOKES = 10
"""Invocations of the executor that are being sent at once. Ours."""


def work_of(record: Mapping[str, Any]) -> Work:
    """Read a stream record of a STATE item, as Lambda delivers it.

    Raises:
        KeyError: the record has no new image, or the image lacks an attribute.
    """
    image = record["dynamodb"]["NewImage"]
    return Work(
        tenant_id=image["tenant_id"]["S"],
        user_id=image["user_id"]["S"],
        request_id=image["request_id"]["S"],
        correlation_id=image["correlation_id"]["S"],
    )


class Dispatcher:
    """Invokes the executor for every record of a batch and says which could not be.

    A record that is delivered twice invokes the executor twice; the claim lets one of them run. One
    that can never be read is logged and passed over: as a failure it would hold up its shard for as
    long as the mapping tries again, and every request behind it.
    """

    def __init__(self, invoke: Callable[[bytes], None], logger: Logger) -> None:
        """Make a dispatcher.

        Args:
            invoke: queues one payload for the executor; raises where it could not.
        """
        self._invoke = invoke
        self._logger = logger
        self._pool = ThreadPoolExecutor(MAX_PARALLEL_INVOKES, thread_name_prefix="dispatch")

    def dispatch(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Hand every record's request to the executor.

        Returns:
            Lambda's partial batch response: the sequence numbers to deliver again.
        """
        if len(records) == 1:
            outcomes = [self._attempt(records[0])]
        else:
            futures: list[Future[bool]] = [self._pool.submit(self._attempt, record) for record in records]
            outcomes = [future.result() for future in futures]
        failures = [
            {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
            for record, done in zip(records, outcomes, strict=True)
            if not done
        ]
        return {"batchItemFailures": failures}

    def _attempt(self, record: Mapping[str, Any]) -> bool:
        try:
            work = work_of(record)
        except (KeyError, TypeError):
            self._logger.exception(
                "A stream record is of no request; its item in the table says why",
                extra={
                    "action": "request.record_unreadable",
                    "sequence_number": record["dynamodb"]["SequenceNumber"],
                },
            )
            return True
        try:
            self._invoke(msgspec.json.encode(work))
        except Exception:
            self._logger.exception(
                "A request was not dispatched", extra={"action": "request.dispatch_failed"}
            )
            return False
        self._logger.info(
            "A request was dispatched",
            extra={
                "action": "request.dispatched",
                "request_id": work.request_id,
                "tenant_id": work.tenant_id,
                "correlation_id": work.correlation_id,
            },
        )
        return True
