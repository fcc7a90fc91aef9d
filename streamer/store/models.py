"""The items of the store and the tables that hold them, declared once; `stack.py` deploys them from here.

A request is a group of items under one partition key; only `STATE` passes the stream's filter.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from streamer.dynamorm import (
    Attribute,
    Index,
    KeyAttribute,
    KeyType,
    Model,
    StreamView,
    Table,
    attribute,
    key,
    partition_key,
)
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.keys.templates import KeyTemplate
from streamer.lifecycle import Status
from streamer.store.limits import CONNECTION_TTL_S

DUE = "DUE"
"""The partition of `due-index`: an item has it as long as there is something to do about it."""

REQUESTS = Table(
    name="requests",
    partition_key=KeyAttribute("pk"),
    sort_key=KeyAttribute("sk"),
    indexes=(
        Index(
            "due-index",
            KeyAttribute("due"),
            KeyAttribute("due_at", KeyType.NUMBER),
            projection=("status", "expires_at"),  # its readers want no more: progress does not write to it
        ),
        Index("user-index", KeyAttribute("user_key"), KeyAttribute("created_at", KeyType.NUMBER)),
    ),
    ttl_attribute="expires_at",
    stream=StreamView.NEW_AND_OLD_IMAGES,
)

CONNECTIONS = Table(
    name="connections",
    partition_key=KeyAttribute("pk"),
    indexes=(Index("tenant-index", KeyAttribute("tenant_id"), KeyAttribute("user_id")),),
    ttl_attribute="expires_at",
)

SUBSCRIPTIONS = Table(
    name="subscriptions",
    partition_key=KeyAttribute("pk"),
    sort_key=KeyAttribute("sk"),
    indexes=(Index("connection-index", KeyAttribute("connection_id"), KeyAttribute("pk")),),
    ttl_attribute="expires_at",
)

COUNTERS = Table(name="counters", partition_key=KeyAttribute("pk"), ttl_attribute="expires_at")

RECORDS = Table(name="records", partition_key=KeyAttribute("pk"), sort_key=KeyAttribute("sk"))

_REQUEST = "REQUEST#{tenant_id}#{user_id}#{request_id}"
_TENANT = KeyTemplate("TENANT#{tenant_id}")
_USER = KeyTemplate("USER#{tenant_id}#{user_id}")


def tenant_key(tenant_id: str) -> str:
    """Return what stands for a tenant in a key."""
    return _TENANT.render({"tenant_id": tenant_id})


def user_key(tenant_id: str, user_id: str) -> str:
    """Return what stands for a user of a tenant in a key."""
    return _USER.render({"tenant_id": tenant_id, "user_id": user_id})


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request belongs to a user of a tenant; its id is unique only there."""

    tenant_id: str
    user_id: str
    request_id: str

    @property
    def components(self) -> dict[str, str]:
        """What the key templates are filled from."""
        return {"tenant_id": self.tenant_id, "user_id": self.user_id, "request_id": self.request_id}


class _OfRequest(Model, table=REQUESTS, partition=_REQUEST, abstract=True):
    """What every item has that belongs to a request."""

    tenant_id: Attribute[str]
    user_id: Attribute[str]
    request_id: Attribute[str]


class _PartOfRequest(_OfRequest, abstract=True):
    """What a request has one of."""

    @key
    def at(self, tenant_id: str, user_id: str, request_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a request.

    Attributes:
        at: epoch seconds.
        event: of the lifecycle; "CREATE" for the first.
        status: after it.
        attempt: None in the table where the write could not know it: a claim counts without reading.
    """

    at: float
    event: str
    status: Status
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How one attempt failed; `at` in epoch seconds."""

    attempt: int
    code: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Follower:
    """A connection that is told, and the endpoint that it hangs on."""

    connection_id: str
    endpoint: str


class RequestState(_PartOfRequest, sort="STATE"):
    """Where a request stands: small, read and written often. Times are epoch seconds.

    Attributes:
        permissions: what the caller's token granted when the request was accepted.
        payload_hash: tells whether the same id comes with the same action and payload.
        attempt: how often it was begun; a continuation is no new attempt.
        max_attempts: how often it is begun at most; None: as the settings say.
        dispatches: how often it was put into the stream again since it was last claimed.
        handed_over: True of a retry that the stream brings to an executor before it is due, to wait for it.
        owner: invocation that claimed it last; None while it waits.
        lease_until: when somebody else may claim it; None unless it is PROCESSING.
        sequence: the highest sequence number that is reserved.
        percentage, message: of the last progress of this attempt.
        continuations: how often it went on in another invocation.
        cancel_requested: whether its user asked to end it while it was running.
        connection_id, endpoint: of the connection that it came from, which follows it.
        followed: True once another connection has begun to follow it, or may have before a replay.
        cancel_on_disconnect: the connection with which it shall end; None: it goes on without.
        due, due_at: "DUE" and when something must be done about it; None when nothing must.
        undelivered: whether its outcome still has to be sent.
        outcome_sequence: the sequence number of its outcome.
        error: `{"code", "message", "details"?}` of the failure, or of the last one that was retried; the
            details are JSON text.
        failures: how the attempts failed, bounded; the last of a FAILED request is its `error`.
        earlier_failures: how those failed that were before the last replay, bounded.
        history: its changes, bounded; `store.history.history_of` completes it.
        user_key: its user, for `user-index`.
        expires_at: when it counts as absent; None until it is over.
    """

    action: Attribute[str]
    status: Attribute[Status]
    correlation_id: Attribute[str]
    payload_hash: Attribute[str]
    permissions: Attribute[list[str] | None] = attribute(default=None)
    attempt: Attribute[int] = attribute(default=0)
    max_attempts: Attribute[int | None] = attribute(default=None)
    dispatches: Attribute[int] = attribute(default=0)
    handed_over: Attribute[bool | None] = attribute(default=None)
    owner: Attribute[str | None] = attribute(default=None)
    lease_until: Attribute[float | None] = attribute(default=None)
    sequence: Attribute[int] = attribute(default=0)
    percentage: Attribute[float | None] = attribute(default=None)
    message: Attribute[str | None] = attribute(default=None)
    continuations: Attribute[int] = attribute(default=0)
    cancel_requested: Attribute[bool] = attribute(default=False)
    connection_id: Attribute[str | None] = attribute(default=None)
    endpoint: Attribute[str | None] = attribute(default=None)
    followed: Attribute[bool | None] = attribute(default=None)
    cancel_on_disconnect: Attribute[str | None] = attribute(default=None)
    created_at: Attribute[float]
    updated_at: Attribute[float]
    started_at: Attribute[float | None] = attribute(default=None)
    finished_at: Attribute[float | None] = attribute(default=None)
    due: Attribute[str | None] = attribute(default=None)
    due_at: Attribute[float | None] = attribute(default=None)
    undelivered: Attribute[bool] = attribute(default=False)
    outcome_sequence: Attribute[int | None] = attribute(default=None)
    error: Attribute[Mapping[str, Any] | None] = attribute(default=None)
    failures: Attribute[tuple[Failure, ...]] = attribute(default=())
    earlier_failures: Attribute[tuple[Failure, ...]] = attribute(default=())
    history: Attribute[tuple[HistoryEntry, ...]] = attribute(default=())
    user_key: Attribute[str | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)

    @property
    def key(self) -> RequestKey:
        return RequestKey(self.tenant_id, self.user_id, self.request_id)

    def find_only_follower(self, now: float) -> Follower | None:
        """Return the one connection that can be subscribed to it; None: look for subscriptions."""
        if self.followed or self.connection_id is None or self.endpoint is None:
            return None
        if now >= self.created_at + CONNECTION_TTL_S:
            return None
        return Follower(self.connection_id, self.endpoint)


class Standing(_PartOfRequest, sort="STATE"):
    """The part of a RequestState that tells an attempt whether it is to go on."""

    status: Attribute[Status]
    owner: Attribute[str | None] = attribute(default=None)
    attempt: Attribute[int] = attribute(default=0)
    cancel_requested: Attribute[bool] = attribute(default=False)

    def is_at_work(self, owner: str, attempt: int) -> bool:
        """Whether this attempt of this owner works on it."""
        return (self.status, self.owner, self.attempt) == (Status.PROCESSING, owner, attempt)


class RequestPayload(_PartOfRequest, sort="PAYLOAD"):
    """What a client sent, as JSON text: exact, and read only by its executor.

    Attributes:
        metadata: what came beside the payload; None: nothing did.
    """

    data: Attribute[str]
    metadata: Attribute[str | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)


class RequestResult(_PartOfRequest, sort="RESULT"):
    """What an action returned, as JSON text; links in it are not signed."""

    data: Attribute[str]
    expires_at: Attribute[int | None] = attribute(default=None)


class RequestMessage(_OfRequest, sort="MESSAGE#{number}"):
    """A message that was sent about a request, kept for whoever was not there.

    Attributes:
        number: the message's sequence with twelve digits, so that keys sort as sequences do.
        previous: the sequence of the message that was kept before this one; 0: this is the first.
        data: the message as JSON text.
    """

    number: Attribute[str]
    previous: Attribute[int]
    data: Attribute[str]
    expires_at: Attribute[int]

    @key
    def at(self, tenant_id: str, user_id: str, request_id: str, number: str) -> None: ...

    @property
    def sequence(self) -> int:
        return int(self.number)


class RequestCheckpoint(_PartOfRequest, sort="CHECKPOINT"):
    """How far an action came, in its own words, as JSON text: where its next run begins.

    Attributes:
        attempt: that wrote it.
    """

    data: Attribute[str]
    attempt: Attribute[int]
    saved_at: Attribute[float]
    expires_at: Attribute[int | None] = attribute(default=None)


class Counter(Model, table=COUNTERS, partition="IN_FLIGHT#{name}"):
    """How many requests of a tenant or a user are in flight; apart, as the requests' stream is not for them.

    Attributes:
        name: `tenant_key` or `user_key`.
        difference: by how much the requests that were found differed from `in_flight`, the last time.
    """

    name: Attribute[str]
    in_flight: Attribute[int] = attribute(default=0)
    difference: Attribute[int] = attribute(default=0)
    expires_at: Attribute[int | None] = attribute(default=None)

    @key
    def at(self, name: str) -> None: ...


class Connection(Model, table=CONNECTIONS, partition="CONNECTION#{connection_id}"):
    """An open WebSocket connection and who is behind it. Times are epoch seconds.

    Attributes:
        endpoint: `https://{domainName}/{stage}`, where messages for it are posted.
        token_expires_at: when the token that proved the identity ends.
        expires_at: None: `CONNECTION_TTL_S` after `connected_at`, when it is put.
    """

    connection_id: Attribute[str]
    tenant_id: Attribute[str]
    user_id: Attribute[str]
    permissions: Attribute[Sequence[str]]
    endpoint: Attribute[str]
    token_expires_at: Attribute[float]
    connected_at: Attribute[float]
    expires_at: Attribute[int | None] = attribute(default=None)

    @key
    def at(self, connection_id: str) -> None: ...


class Subscription(_OfRequest, table=SUBSCRIPTIONS, sort="CONNECTION#{connection_id}"):
    """A connection that is told what happens to a request."""

    connection_id: Attribute[str]
    endpoint: Attribute[str]
    expires_at: Attribute[int]

    @key
    def at(self, tenant_id: str, user_id: str, request_id: str, connection_id: str) -> None: ...

    @partition_key
    def of_request(self, tenant_id: str, user_id: str, request_id: str) -> None: ...


class Record(Model, table=RECORDS, partition="RECORDS#{tenant_id}#{entity_type}", sort="RECORD#{record_id}"):
    """Something that a tenant keeps.

    Attributes:
        data: its fields as JSON text.
        written_by: the request that wrote it last.
        written_at: epoch seconds.
    """

    tenant_id: Attribute[str]
    entity_type: Attribute[str]
    record_id: Attribute[str]
    data: Attribute[str]
    written_by: Attribute[str]
    written_at: Attribute[float]

    @key
    def at(self, tenant_id: str, entity_type: str, record_id: str) -> None: ...
