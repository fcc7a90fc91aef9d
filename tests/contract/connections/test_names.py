"""Names that are looked up while messages are sent: slowly, in vain, for several at a time."""

import select
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from streamer.connections.names import Address, LookUp, Names
from streamer.connections.origin import Origin, origin_of
from streamer.connections.retries import Failure, Reply

ID = "R1kmxc2VNjMCFIA="
HOLD_S = 10.0
"""How long a name is held at most, so that a test that fails ends."""


class Resolver:
    """Looks names up at once, until it is told to hold them or not to find them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        self.begun = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        self.is_lost = False

    def __call__(self, origin: Origin) -> Sequence[Address]:
        self.asked.append(origin.host)
        self.begun.set()
        self.hold.wait(HOLD_S)
        self.told.append(origin.host)
        if self.is_lost:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, ("127.0.0.1", origin.port))]


class _Meeting:
    """What two answers wait for: each other."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier

    def wait(self, timeout: float) -> None:
        self._barrier.wait(timeout)


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.hold.set()


def test_a_slow_name_holds_nobody_up_who_is_connected(
    api: Any, new_transport: Callable[..., Any], resolver: Resolver
) -> None:
    """While a name is looked up, a broadcast goes on over the connections that there are."""
    transport = new_transport(resolve=resolver)
    assert transport.post(api.endpoint, ID, b"x") == Reply(200)
    resolver.begun.clear()
    resolver.hold.clear()
    replies = dict(transport.post_many([(api.endpoint, str(number)) for number in range(20)], b"x"))
    assert replies == dict.fromkeys(range(20), Reply(200))
    assert resolver.begun.wait(HOLD_S)
    assert len(resolver.asked) == 2
    assert len(resolver.told) == 1
    assert len({received.client_port for received in api.received}) == 1


def test_a_slow_name_is_waited_for(api: Any, new_transport: Callable[..., Any], resolver: Resolver) -> None:
    """Who has no connection is sent to when the name is known; it was asked for once."""
    resolver.hold.clear()
    transport = new_transport(resolve=resolver)
    with ThreadPoolExecutor(1) as sender:
        targets = [(api.endpoint, str(number)) for number in range(20)]
        replies = sender.submit(lambda: dict(transport.post_many(targets, b"x")))
        assert resolver.begun.wait(HOLD_S)
        assert not api.received
        resolver.hold.set()
        assert replies.result(HOLD_S) == dict.fromkeys(range(20), Reply(200))
    assert len(resolver.asked) == 1


def test_a_name_that_fails_holds_nobody_up_who_is_connected(
    api: Any, new_transport: Callable[..., Any], resolver: Resolver
) -> None:
    """Where the name is not found, a broadcast goes through the connections that there are."""
    transport = new_transport(resolve=resolver)
    assert transport.post(api.endpoint, ID, b"x") == Reply(200)
    resolver.is_lost = True
    replies = dict(transport.post_many([(api.endpoint, str(number)) for number in range(20)], b"x"))
    assert replies == dict.fromkeys(range(20), Reply(200))


def test_the_last_connection_ends_and_the_name_is_lost(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any], resolver: Resolver
) -> None:
    """Who waited for the last connection, to a server whose name is lost, hears that there is none."""
    transport = new_transport(resolve=resolver)
    assert transport.post(api.endpoint, ID, b"x") == Reply(200)
    resolver.is_lost = True
    api.answers += [answer(headers={"Connection": "close"})]
    replies = dict(transport.post_many([(api.endpoint, str(number)) for number in range(3)], b"x"))
    not_connected = Reply(None, failure=Failure.NOT_CONNECTED)
    assert replies == {0: Reply(200), 1: not_connected, 2: not_connected}


def test_a_message_that_needs_a_new_connection_holds_up_no_other(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any], resolver: Resolver
) -> None:
    """One whose connection turns out to be closed waits for the name; one that is under way is answered."""
    transport = new_transport(resolve=resolver)
    both = [(api.endpoint, "a"), (api.endpoint, "b")]
    together = threading.Barrier(2)
    api.answers += [answer(hold=_Meeting(together)), answer(hold=_Meeting(together))]
    assert dict(transport.post_many(both, b"x")) == {0: Reply(200), 1: Reply(200)}
    resolver.begun.clear()
    resolver.hold.clear()
    api.answers += [answer(drop=True), answer(hold=resolver.begun)]
    replies = transport.post_many(both, b"x")
    assert next(replies)[1] == Reply(200)
    assert len(resolver.told) == 1
    resolver.hold.set()
    assert next(replies)[1] == Reply(200)
    assert list(replies) == []


def test_no_name_in_time(api: Any, new_transport: Callable[..., Any], resolver: Resolver) -> None:
    """Who has little time does not wait for a name: what was not sent is told so."""
    resolver.hold.clear()
    transport = new_transport(resolve=resolver, max_connections=2)
    targets = [(api.endpoint, str(number)) for number in range(5)]
    replies = dict(transport.post_many(targets, b"x", within_s=0.5))
    assert replies == dict.fromkeys(range(2), Reply(None, failure=Failure.NOT_SENT))
    assert not resolver.told
    resolver.hold.set()
    assert dict(transport.post_many(targets, b"x")) == dict.fromkeys(range(5), Reply(200))


def addresses_of(look_up: LookUp) -> Sequence[Address]:
    assert select.select([look_up], [], [], HOLD_S)[0]
    look_up.close()
    return look_up.addresses


def test_a_name_is_looked_up_once_for_all(resolver: Resolver) -> None:
    """Who asks while a name is looked up waits with those who asked before; who asks later asks anew."""
    names, origin = Names(resolver), origin_of("http://name.example")
    resolver.hold.clear()
    first, second, third = (names.look_up(origin) for _ in range(3))
    first.close()  # who stops to wait concerns nobody else
    resolver.hold.set()
    found = [(socket.AF_INET, ("127.0.0.1", 80))]
    assert [addresses_of(each) for each in (second, third)] == [found, found]
    assert len(resolver.asked) == 1
    assert addresses_of(names.look_up(origin)) == found
    assert len(resolver.asked) == 2


def test_no_thread_is_left(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, no address is found."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = Names(resolver)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert addresses_of(names.look_up(origin_of("http://name.example"))) == ()
    assert addresses_of(names.look_up(origin_of("http://name.example")))
