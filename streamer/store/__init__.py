"""What is kept: requests, connections, subscriptions. On DynamORM, and nothing else reaches DynamoDB."""

from streamer.store.claims import Checkpoint, Claim, Created, RequestPage, details_of
from streamer.store.connections import ConnectionStore
from streamer.store.expiry import ExpiryStore
from streamer.store.history import history_of
from streamer.store.limits import (
    CONNECTION_TTL_S,
    DELIVERY_GRACE_S,
    DISPATCH_GRACE_S,
    LEASE_MARGIN_S,
    MAX_STORED_BYTES,
    REQUEST_TTL_S,
    SEQUENCE_BLOCK,
)
from streamer.store.messages import MessageLog, MessageStore, Replay
from streamer.store.models import (
    CONNECTIONS,
    REQUESTS,
    SUBSCRIPTIONS,
    Connection,
    Failure,
    HistoryEntry,
    RequestKey,
    RequestState,
    Subscription,
)
from streamer.store.requests import RequestStore
from streamer.store.subscriptions import SubscriptionStore

__all__ = [
    "CONNECTIONS",
    "CONNECTION_TTL_S",
    "DELIVERY_GRACE_S",
    "DISPATCH_GRACE_S",
    "LEASE_MARGIN_S",
    "MAX_STORED_BYTES",
    "REQUESTS",
    "REQUEST_TTL_S",
    "SEQUENCE_BLOCK",
    "SUBSCRIPTIONS",
    "Checkpoint",
    "Claim",
    "Connection",
    "ConnectionStore",
    "Created",
    "ExpiryStore",
    "Failure",
    "HistoryEntry",
    "MessageLog",
    "MessageStore",
    "Replay",
    "RequestKey",
    "RequestPage",
    "RequestState",
    "RequestStore",
    "Subscription",
    "SubscriptionStore",
    "details_of",
    "history_of",
]
