"""What stands before LocalStack's web server: it serves plain calls of DynamoDB's items by itself.

LocalStack's way of a request, from its threads to its two dozen handlers, costs many times what the call
itself does. A request that is not plain, or meets an error that LocalStack words, is left to its own server,
which is fed with the bytes of the connection until it has answered.
"""

import functools
import logging
import time
import uuid
import zlib
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from localstack.aws import handlers
from localstack.aws.accounts import get_account_id_from_access_key_id
from twisted.internet import reactor
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol

from .admission import refusal
from .bodies import reader
from .engine.serialization import read
from .faults import FAULTS
from .plain import JSON, MAX_HEAD_BYTES, WAIT_HEADER, PlainCall, read_head

log = logging.getLogger(__name__)

_END = b"\r\n\r\n"


class Front(Factory):
    """Makes a protocol per connection; those of LocalStack come from `site`."""

    noisy = False

    def __init__(self, site: Factory) -> None:
        self.site = site
        self.is_ready = False

    def get_ready(self) -> None:
        """Serve plain calls from now on. Called in a thread, once the services are loaded."""
        from . import dynamodb, dynamodbstreams  # only here: moto takes long to load

        self.perform = dynamodb.perform
        self.reading = dynamodbstreams.reading
        _known_regions()
        self.is_ready = True

    def startFactory(self) -> None:  # noqa: N802
        self.site.doStart()

    def stopFactory(self) -> None:  # noqa: N802
        self.site.doStop()

    def buildProtocol(self, address: IAddress) -> "FrontProtocol":  # noqa: N802
        return FrontProtocol(self, address)


class FrontProtocol(Protocol):
    """One connection. Everything happens in the reactor's thread; nothing here waits.

    Nor is anything long: a page of 1 MB, the most that a Scan answers with, takes 25 ms of processor time
    with items of 600 bytes, 0.1 s with 10,000 of 100 bytes. The first read of a table or an index puts it in
    order: 5 µs for each item. A thread would not help: who reads has the tables, and others wait for them.
    """

    def __init__(self, front: Front, address: IAddress) -> None:
        self._front = front
        self._address = address
        self._held = b""
        self._call: PlainCall | None = None
        self._body_at = 0
        self._wait: _Wait | None = None
        self._other: Any = None  # LocalStack's channel of this connection, once it was needed

    def connectionMade(self) -> None:  # noqa: N802
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self._is_with_other():
            self._other.dataReceived(data)
            return
        self._held += data
        self._go_on()

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802
        wait, self._wait = self._wait, None
        if wait is not None:
            wait.cancel()
        if self._other is not None:
            self._other.connectionLost(reason)

    def _is_with_other(self) -> bool:
        """Tell whether LocalStack's server is in the middle of a request, or is about to hang up."""
        channel = self._other
        return channel is not None and bool(
            channel.requests or channel._dataBuffer or channel._buffer or not channel.persistent
        )

    def _go_on(self) -> None:
        while self._held and self._wait is None:
            if self._call is None and not self._read_head():
                return
            assert self._call is not None
            end = self._body_at + self._call.body_bytes
            if len(self._held) < end:
                return
            try:
                answer = self._serve(self._call, self._held[self._body_at : end])
            except Exception:  # LocalStack meets it too, and words it
                log.debug("A call is left to LocalStack", exc_info=True)
                self._hand_over()
                return
            if answer is not None:
                self._send(*answer)
            if self._other is not None:
                self._other.resetTimeout()
            if self._wait is None:
                self._forget_request()

    def _read_head(self) -> bool:
        """Read a request's first lines, where they are there; tell whether the request is served here."""
        at = self._held.find(_END)
        if at < 0:
            if len(self._held) > MAX_HEAD_BYTES:
                self._hand_over()
            return False
        call = read_head(self._held[:at])
        if call is None or not self._front.is_ready or FAULTS.are_declared or not _may_call(call.host):
            self._hand_over()
            return False
        self._call, self._body_at = call, at + len(_END)
        return True

    def _serve(self, call: PlainCall, body: bytes) -> tuple[int, str] | None:
        """Do what a request asks for, or nothing and raise; None where it waits now."""
        account, region = _account(call.access_key), _region(call.region)
        request = read(body, reader(call.service, call.operation))
        if call.service == "dynamodb":
            # Whatever else has the tables may have them for long: LocalStack has threads to wait in.
            perform = self._front.perform
            answer: tuple[int, str] = perform(call.operation, request, account, region, waits=False)
            return answer
        reading = self._front.reading(request, call.wait_ms)
        if reading.wait_s <= 0:
            return 200, reading.read()
        wait = _Wait(reading)
        # `callFromThread`, since whoever wrote the record calls it.
        text = reading.look(lambda: reactor.callFromThread(self._waited, wait))
        if text is not None:
            return 200, text
        wait.timer = reactor.callLater(reading.wait_s, self._waited, wait)
        self._wait = wait
        return None

    def _waited(self, wait: "_Wait") -> None:
        if self._wait is not wait:  # it is over already, and this is what woke it a moment too late
            return
        self._wait = None
        wait.cancel()
        try:
            text = wait.reading.read()
        except Exception:
            log.debug("A call is left to LocalStack", exc_info=True)
            self._hand_over()
            return
        self._send(200, text)
        self._forget_request()
        self._go_on()

    def _forget_request(self) -> None:
        assert self._call is not None
        self._held = self._held[self._body_at + self._call.body_bytes :]
        self._call = None

    def _send(self, status: int, text: str) -> None:
        """Send an answer, or hang up: what it is about has happened, and must not happen again."""
        try:
            self._write(status, text)
        except Exception:
            log.exception("An answer could not be sent: its connection is dropped")
            self._held = b""
            self.transport.abortConnection()

    def _write(self, status: int, text: str) -> None:
        assert self._call is not None
        body = text.encode()
        asked = f"{WAIT_HEADER}: {self._call.wait_ms}\r\n" if self._call.wait_ms else ""
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: Server\r\n"
            f"Date: {_date(int(time.time()))}\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n"
            f"x-amzn-RequestId: {uuid.uuid4()}\r\nx-amz-crc32: {zlib.crc32(body)}\r\n"
            f"x-localstack: true\r\n{asked}\r\n"
        )
        data = head.encode() + body
        # At once where nothing is queued: the reactor needs three more system calls for it.
        sent = 0 if self.transport.dataBuffer or self.transport._tempDataBuffer else self._send_now(data)
        if sent < len(data):
            self.transport.write(data[sent:])

    def _send_now(self, data: bytes) -> int:
        sent = self.transport.writeSomeData(data)
        return sent if isinstance(sent, int) else len(data)  # else it is lost, as the reactor will say

    def _hand_over(self) -> None:
        """Let LocalStack's own server have the request that is held, and what comes until it has answered."""
        held, self._held, self._call = self._held, b"", None
        if self._other is None:
            made = self._front.site.buildProtocol(self._address)
            made.makeConnection(self.transport)
            self._other = made._channel
        self._other.dataReceived(held)


class _Wait:
    """A read that waits for records, until `timer` ends it."""

    def __init__(self, reading: Any) -> None:
        self.reading = reading
        self.timer: Any = None

    def cancel(self) -> None:
        if self.timer.active():
            self.timer.cancel()
        self.reading.forget()


@functools.lru_cache
def _may_call(host: str) -> bool:
    return refusal({"Host": host}) is None


@functools.lru_cache
def _account(access_key: str) -> str:
    account: str = get_account_id_from_access_key_id(access_key)
    return account


def _region(region: str) -> str:
    """Return a region that LocalStack knows. Raises ValueError: it takes another one in its place."""
    if region not in _known_regions():
        raise ValueError(region)
    return region


@functools.cache
def _known_regions() -> frozenset[str]:
    return frozenset(handlers.rewrite_region.region_rewriter_strategy.available_regions)


@functools.lru_cache(maxsize=1)
def _date(epoch_s: int) -> str:
    return formatdate(epoch_s, usegmt=True)
