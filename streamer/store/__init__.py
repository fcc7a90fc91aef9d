"""What is kept: requests, connections, subscriptions. On DynamORM, and nothing else reaches DynamoDB."""

from streamer.store.claims import Claim, Created
from streamer.store.connections import ConnectionStore
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
    "Claim",
    "Connection",
    "ConnectionStore",
    "Created",
    "MessageLog",
    "MessageStore",
    "Replay",
    "RequestKey",
    "RequestState",
    "RequestStore",
    "Subscription",
    "SubscriptionStore",
]
