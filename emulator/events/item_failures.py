"""What a function reports of its batch: `batchItemFailures`, and every odd form of it. Values only.

Source:
    Lambda Developer Guide, "Reporting batch item failures" (streams and SQS alike); odd answers of
    functions as recorded on AWS, November 2025.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from emulator.invocation import InvocationResult


def failed_items(
    result: InvocationResult, identifiers: Sequence[str], *, report_batch_item_failures: bool
) -> frozenset[int]:
    """Return the places in the batch of what has to be delivered again; none is success.

    An empty or null answer, and one without `batchItemFailures`, is success. An identifier that is
    missing, empty, or not of this batch fails the whole batch; so does an answer of another form.

    Args:
        identifiers: of the batch's items, in order: sequence numbers or message ids.
    """
    everything = frozenset(range(len(identifiers)))
    if result.function_error is not None:
        return everything
    if not report_batch_item_failures:
        return frozenset()
    try:
        answer: Any = msgspec.json.decode(result.payload) if result.payload else None
    except msgspec.DecodeError:
        return everything
    if not answer:
        return frozenset()
    if not isinstance(answer, dict):
        return everything
    items = answer.get("batchItemFailures")
    if not items:
        return frozenset()
    if not isinstance(items, list):
        return everything
    places = {identifier: place for place, identifier in enumerate(identifiers)}
    failed = [places.get(_identifier(item)) for item in items]
    found = frozenset(place for place in failed if place is not None)
    return everything if None in failed else found


def _identifier(item: Any) -> str:
    identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
    return identifier if isinstance(identifier, str) else ""
