"""The thin part of `bulk_operation`: items in batches to the table of records."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import msgspec

from streamer.actions.bulk.tally import Failure, Tally
from streamer.actions.bulk_payload import BulkPayload
from streamer.actions.context import ActionContext
from streamer.errors import InvalidMessage
from streamer.protocol.limits import MAX_ID_LENGTH
from streamer.store.documents import digest
from streamer.store.records import RecordStore

WORKERS = 8
"""Records that are written at a time where each has a condition. Ours; a client keeps 16 connections."""

MAX_PERCENTAGE_UNKNOWN = 95.0
"""Percentage that items of a file come up to, whose number is not known before its end."""

DIGEST_LENGTH = 32
"""Characters of a payload's digest that tell requests with one id apart: 128 bits. Ours."""

Item = dict[str, Any]

_decoder = msgspec.json.Decoder(Item)


def write(payload: BulkPayload, context: ActionContext) -> dict[str, Any]:
    """Write the records; see `bulk_operation`."""
    store = RecordStore(
        context.client("dynamodb"),
        context.settings,
        context.clock,
        tenant_id=context.identity.tenant_id,
        entity_type=payload.entity_type,
        written_by=_writer(payload, context),
    )
    tally = Tally.restored(context.restored)
    total = None if payload.items is None else len(payload.items)
    context.progress(_percentage(tally.done, total), "Begun", processed=tally.done)
    items = islice(_items(payload, context), tally.done, None)
    while batch := [*islice(items, payload.batch_size)]:
        _write_batch(batch, payload.operation_type, store, tally)
        context.progress(
            _percentage(tally.done, total),
            f"{tally.done:,} items processed",
            processed=tally.done,
            failed=tally.failed,
            current_batch=-(-tally.done // payload.batch_size),
        )
        context.checkpoint(tally.checkpoint())
    context.progress(100, "All items are processed", processed=tally.done, failed=tally.failed)
    return {
        "operation_type": payload.operation_type,
        "entity_type": payload.entity_type,
        **tally.result(),
    }


def _writer(payload: BulkPayload, context: ActionContext) -> str:
    """Return what a request and its repetitions are called: the same id with another payload is another."""
    payload_digest = digest(context.action, payload)[:DIGEST_LENGTH]
    return f"{context.identity.user_id}#{context.request_id}#{payload_digest}"


def _items(payload: BulkPayload, context: ActionContext) -> Iterable[Item]:
    if payload.items is not None:
        return iter(payload.items)
    return _read(payload.source or "", context)


def _read(source: str, context: ActionContext) -> Iterator[Item]:
    from streamer.actions.source_lines import invalid, split_lines
    from streamer.actions.sources import open_source

    for number, line in enumerate(split_lines(open_source(source, context).chunks), 1):
        if line.strip():
            try:
                yield _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
                raise invalid(number, "is no JSON object") from error


def _percentage(done: int, total: int | None) -> float:
    if total is None:
        return MAX_PERCENTAGE_UNKNOWN * done / (done + 1_000)
    return 100 * done / total


def _write_batch(batch: list[Item], operation: str, store: RecordStore, tally: Tally) -> None:
    good: dict[int, Item] = {}
    for index, item in enumerate(batch, tally.done):
        problem = _problem(item, store)
        if problem is None:
            good[index] = item
        else:
            tally.fail(Failure(index=index, id=None, code="INVALID_ITEM", message=problem))
    match operation:
        case "create":
            _write_each(good, store.create, tally, "ALREADY_EXISTS", "There is such a record already.")
        case "update":
            _write_each(good, store.update, tally, "NOT_FOUND", "There is no such record.")
        case "put":
            left = store.put_all({item["id"]: _fields(item) for item in good.values()})
            _not_written(good, left, tally)
        case "delete":
            left = store.delete_all([item["id"] for item in good.values()])
            _not_written(good, left, tally)
    tally.done += len(batch)


def _write_each(
    items: dict[int, Item], write_one: Callable[[str, Item], bool], tally: Tally, code: str, message: str
) -> None:
    latest = {item["id"]: _fields(item) for item in items.values()}  # of two for one record, as elsewhere
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="bulk") as pool:
        written = dict(zip(latest, pool.map(write_one, latest, latest.values()), strict=True))
    for index, item in items.items():
        if not written[item["id"]]:
            tally.fail(Failure(index=index, id=item["id"], code=code, message=message))


def _not_written(items: dict[int, Item], left: frozenset[str], tally: Tally) -> None:
    for index, item in items.items():
        if item["id"] in left:
            message = "The table did not take it in time; send it again."
            tally.fail(Failure(index=index, id=item["id"], code="NOT_WRITTEN", message=message))


def _fields(item: Item) -> Item:
    return {name: value for name, value in item.items() if name != "id"}


def _problem(item: Item, store: RecordStore) -> str | None:
    record_id = item.get("id")
    if not isinstance(record_id, str) or not 0 < len(record_id) <= MAX_ID_LENGTH:
        return f"An item has an id, a text of 1 to {MAX_ID_LENGTH} characters."
    try:
        store.check(_fields(item))
    except InvalidMessage as error:
        return str(error)
    return None
