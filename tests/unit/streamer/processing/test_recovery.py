"""What the sweeper finds and what it does about it."""

from dataclasses import replace

import pytest

from streamer.lifecycle import Status
from streamer.processing.recovery import MAX_DISPATCHES, Remedy, Situation, remedy

NOW = 1_000.0
DUE = Situation(
    status=Status.PENDING, attempt=0, dispatches=0, due_at=NOW - 1, lease_until=None, undelivered=False
)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (replace(DUE, due_at=None), Remedy.NOTHING),
        (replace(DUE, due_at=NOW + 1), Remedy.NOTHING),
        (DUE, Remedy.REDISPATCH),
        (replace(DUE, status=Status.RETRYING, attempt=1), Remedy.REDISPATCH),
        (replace(DUE, dispatches=MAX_DISPATCHES), Remedy.GIVE_UP),
        (replace(DUE, status=Status.PROCESSING, attempt=1, lease_until=NOW - 1), Remedy.RELEASE),
        (replace(DUE, status=Status.PROCESSING, attempt=3, lease_until=NOW - 1), Remedy.GIVE_UP),
        (replace(DUE, status=Status.PROCESSING, attempt=1, lease_until=NOW + 1), Remedy.NOTHING),
        (
            replace(DUE, status=Status.PROCESSING, attempt=1, lease_until=NOW - 1, cancel_requested=True),
            Remedy.CALL_OFF,
        ),
        (
            replace(DUE, status=Status.PROCESSING, attempt=3, lease_until=NOW - 1, cancel_requested=True),
            Remedy.CALL_OFF,
        ),
        (
            replace(DUE, status=Status.PROCESSING, attempt=1, lease_until=NOW + 1, cancel_requested=True),
            Remedy.NOTHING,
        ),
        (replace(DUE, status=Status.COMPLETED, undelivered=True), Remedy.DELIVER),
        (replace(DUE, status=Status.FAILED, undelivered=True), Remedy.DELIVER),
        (replace(DUE, status=Status.COMPLETED), Remedy.NOTHING),
    ],
    ids=[
        "not-due-ever",
        "not-due-yet",
        "undispatched",
        "retry-due",
        "dispatched-in-vain",
        "lease-over",
        "lease-over-last-attempt",
        "live-executor",
        "lease-over-cancel",
        "lease-over-last-attempt-cancel",
        "live-executor-cancel",
        "undelivered-completion",
        "undelivered-failure",
        "delivered",
    ],
)
def test_remedy(situation: Situation, expected: Remedy) -> None:
    """Each situation has exactly one remedy."""
    assert remedy(situation, now=NOW, max_attempts=3) is expected
