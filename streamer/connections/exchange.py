"""Many requests at a time over few kept-alive connections, driven by the thread that wants the answers."""

import math
import select
import time
from collections.abc import Iterable, Iterator, Sequence

from streamer.connections.http import Answer
from streamer.connections.names import Address, LookUp
from streamer.connections.origin import Origin
from streamer.connections.retries import Failure, Reply
from streamer.connections.wire import READABLE, Wire, WireFailed
from streamer.connections.wires import Wires


def exchange(
    wires: Wires, requests: Iterable[tuple[Origin, bytes] | Failure], *, within_s: float | None = None
) -> Iterator[tuple[int, Reply]]:
    """Send requests, as many at a time as there are connections; give the replies as they come.

    A request is taken when it can be sent next. One that meets a kept-alive connection which turns out to be
    closed is sent again at once, over a new one. While a name is looked up, what is under way goes on, and
    what follows is sent over the connections that there are. Whoever stops to ask gives up what is under way.

    Args:
        requests: whom to ask and the bytes; a Failure where nothing can be sent.
        within_s: seconds after which nothing is waited for, and no request taken.

    Yields:
        The position in `requests` and the reply, for each that was taken.
    """
    drive = _Drive(wires, math.inf if within_s is None else time.monotonic() + within_s)
    waiting = enumerate(requests)
    try:
        following = next(waiting, None)
        while following is not None or drive.under_way:
            while following is not None and drive.may_start():
                index, request = following
                if isinstance(request, Failure):
                    yield index, Reply(None, failure=request)
                else:
                    drive.start(_Flight(index, *request))
                    yield from drive.landed()
                following = next(waiting, None)
            if following is None:
                drive.spare()
            if drive.under_way:
                drive.wait()
                yield from drive.landed()
            if following is not None and drive.is_over:
                yield following[0], Reply(None, failure=Failure.NOT_SENT)
                following = None
    finally:
        drive.end()


class _Flight:
    """A request under way.

    Attributes:
        addresses: where the server may still be reached, None while no new connection was needed.
        trouble: what is told where it gets no connection in time; `NOT_SENT` until one failed it.
    """

    __slots__ = ("addresses", "index", "origin", "request", "trouble")

    def __init__(self, index: int, origin: Origin, request: bytes) -> None:
        self.index = index
        self.origin = origin
        self.request = request
        self.addresses: Iterator[Address] | None = None
        self.trouble = Failure.NOT_SENT


class _Drive:
    """The requests that one thread has under way.

    Attributes:
        flights: by file descriptor, with the connection that it is under way on.
    """

    def __init__(self, wires: Wires, until: float) -> None:
        """Begin.

        Args:
            until: monotonic seconds at which everything is given up.
        """
        self.flights: dict[int, tuple[Wire, _Flight]] = {}
        self._wires = wires
        self._until = until
        self._permits = 0
        self._poll = select.poll()
        self._free: list[Wire] = []
        self._landed: list[tuple[int, Reply]] = []
        self._waiting: list[_Flight] = []
        self._look_ups: dict[int, tuple[Origin, LookUp]] = {}
        self._resolved: dict[Origin, Sequence[Address]] = {}

    @property
    def under_way(self) -> int:
        """How many requests are under way, those included that wait for a name to be looked up."""
        return len(self.flights) + len(self._waiting)

    def may_start(self) -> bool:
        """Whether there is a connection for another request; waits for one if nothing is under way."""
        if self.is_over or self._waiting:
            return False
        if self._permits <= len(self.flights):
            wait_s = 0.0 if self.flights else self._until - time.monotonic()
            self._permits += self._wires.acquire(wait_s)
        return self._permits > len(self.flights)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._until

    def start(self, flight: _Flight) -> None:
        """Send a request over a connection that is alive, or else over a new one."""
        wire = self._find_alive(flight.origin) if flight.trouble is Failure.NOT_SENT else None
        if wire is None:
            self._start_anew(flight)
        else:
            self._begin(wire, flight)

    def wait(self) -> None:
        """Wait until something comes or is too late, and go on with that."""
        nearest = min((self._until, *(wire.deadline for wire, _ in self.flights.values())))
        left_s = max(0.0, nearest - time.monotonic())
        for fd, _ in self._poll.poll(None if left_s == math.inf else math.ceil(left_s * 1000)):
            if fd in self._look_ups:
                self._looked_up(fd)
            else:
                self._advance(fd)
        now = time.monotonic()
        if now >= nearest:
            is_over = now >= self._until
            for fd in [fd for fd, (wire, _) in self.flights.items() if is_over or now >= wire.deadline]:
                self._advance(fd, is_late=True)
        waiting, self._waiting = self._waiting, []
        for flight in waiting:
            if self.is_over:
                self._landed.append((flight.index, Reply(None, failure=flight.trouble)))
            else:
                self.start(flight)

    def landed(self) -> Iterator[tuple[int, Reply]]:
        """Give the replies that came."""
        landed, self._landed = self._landed, []
        return iter(landed)

    def end(self) -> None:
        """Give up what is under way, and leave the connections that can be used again to others."""
        for wire, _ in self.flights.values():
            wire.close()
        for _, look_up in self._look_ups.values():
            look_up.close()
        self.flights.clear()
        self._waiting.clear()
        self.spare()

    def spare(self) -> None:
        """Leave what is not under way to others: nothing else is to be sent."""
        self._wires.keep(self._free)
        self._free = []
        self._wires.release(self._permits - self.under_way)
        self._permits = self.under_way

    def _find_alive(self, origin: Origin) -> Wire | None:
        for place in reversed(range(len(self._free))):
            if self._free[place].origin == origin:
                return self._free.pop(place)
        return self._wires.find_idle(origin)

    def _begin(self, wire: Wire, flight: _Flight) -> None:
        fd = wire.fileno()
        self.flights[fd] = (wire, flight)
        wire.begin(flight.request)
        self._poll.register(fd, wire.wants)
        if wire.is_open:
            self._advance(fd)

    def _start_anew(self, flight: _Flight) -> None:
        if flight.addresses is None:
            self._look_up(flight.origin)
            if self._is_worth_waiting(flight):
                self._waiting.append(flight)
                return
            flight.addresses = iter(self._resolved[flight.origin])
        for address in flight.addresses:
            try:
                wire = self._wires.open(flight.origin, address)
            except WireFailed:
                continue
            self._begin(wire, flight)
            return
        self._landed.append((flight.index, Reply(None, failure=Failure.NOT_CONNECTED)))

    def _advance(self, fd: int, *, is_late: bool = False) -> None:
        wire, flight = self.flights[fd]
        before = wire.wants
        try:
            answer = wire.give_up() if is_late else wire.advance()
        except WireFailed as failed:
            self._drop(fd)
            self._failed(wire, flight, failed.failure)
            return
        if answer is None:
            if wire.wants != before:
                self._poll.modify(fd, wire.wants)
            return
        self._drop(fd)
        self._answered(wire, flight, answer)

    def _drop(self, fd: int) -> None:
        del self.flights[fd]
        self._poll.unregister(fd)

    def _answered(self, wire: Wire, flight: _Flight, answer: Answer) -> None:
        if answer.is_reusable:
            self._free.append(wire)
        else:
            wire.close()
        self._landed.append((flight.index, Reply(answer.status, retry_after=answer.retry_after)))

    def _failed(self, wire: Wire, flight: _Flight, failure: Failure) -> None:
        was_closed_meanwhile = failure is Failure.BROKEN and wire.is_reused and not wire.has_heard
        if (was_closed_meanwhile or failure is Failure.NOT_CONNECTED) and not self.is_over:
            flight.trouble = failure
            self._start_anew(flight)
        else:
            self._landed.append((flight.index, Reply(None, failure=failure)))

    def _look_up(self, origin: Origin) -> None:
        """Have a server looked up, once for all that is under way."""
        if origin in self._resolved or any(origin == asked for asked, _ in self._look_ups.values()):
            return
        try:
            look_up = self._wires.look_up(origin)
        except OSError:  # no descriptor left
            self._resolved[origin] = ()
            return
        self._look_ups[look_up.fileno()] = (origin, look_up)
        self._poll.register(look_up.fileno(), READABLE)

    def _is_worth_waiting(self, flight: _Flight) -> bool:
        """Whether the name may be known soon, or else a connection that there is may be free for it."""
        if flight.origin not in self._resolved:
            return True
        if self._resolved[flight.origin] or flight.trouble is not Failure.NOT_SENT:
            return False
        return any(wire.is_open and wire.origin == flight.origin for wire, _ in self.flights.values())

    def _looked_up(self, fd: int) -> None:
        origin, look_up = self._look_ups.pop(fd)
        self._poll.unregister(fd)
        self._resolved[origin] = look_up.addresses
        look_up.close()
