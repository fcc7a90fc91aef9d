"""The connections to the management API that are kept alive, and how many may be in use."""

import math
import ssl
import time
import weakref
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from threading import Lock

from streamer.connections.names import Address, LookUp, Names
from streamer.connections.origin import Origin
from streamer.connections.wire import Wire

MAX_IDLE_S = 55.0
"""A connection that was idle for longer is not used again. Ours, below the minute after which load balancers
commonly drop one; a Lambda environment that was frozen did not hear of that, and would wait in vain."""


class Wires:
    """Kept-alive connections, the last used first. Thread-safe; a connection itself is one thread's."""

    def __init__(
        self,
        tls: Callable[[], ssl.SSLContext],
        names: Names,
        *,
        max_connections: int,
        connect_timeout_s: float,
        read_timeout_s: float,
        now: Callable[[], float],
    ) -> None:
        """Open nothing yet.

        Args:
            tls: makes what connections with TLS trust; called when the first one is opened.
            max_connections: in use at the same time, by all threads together.
            now: epoch seconds. A monotonic clock may have stood still in an environment that was frozen.
        """
        self._make_tls = tls
        self._names = names
        self._tls: ssl.SSLContext | None = None
        self._max_connections = max_connections
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._now = now
        self._idle: list[Wire] = []
        weakref.finalize(self, _close, self._idle)  # a function never closes its transport
        self._lock = Lock()
        self._permits: SimpleQueue[None] = SimpleQueue()
        self.release(max_connections)

    def acquire(self, wait_s: float) -> bool:
        """Take the permission to use a connection, and tell whether it was given.

        Args:
            wait_s: how long to wait for it; `math.inf`: for ever.
        """
        try:
            self._permits.get(wait_s > 0.0, None if wait_s == math.inf else max(0.0, wait_s))
        except Empty:
            return False
        return True

    def release(self, count: int) -> None:
        """Give permissions back."""
        for _ in range(count):
            self._permits.put(None)

    def find_idle(self, origin: Origin) -> Wire | None:
        """Take a connection that seems to be alive, None if there is none."""
        oldest = self._now() - MAX_IDLE_S
        while True:
            with self._lock:
                place = next(
                    (n for n in reversed(range(len(self._idle))) if self._idle[n].origin == origin), -1
                )
                if place < 0:
                    return None
                wire = self._idle.pop(place)
            if wire.idle_since >= oldest and wire.is_quiet():
                return wire
            wire.close()

    def look_up(self, origin: Origin) -> LookUp:
        """Begin to look up where a server may be reached.

        Raises:
            OSError: no descriptor is left.
        """
        return self._names.look_up(origin)

    def open(self, origin: Origin, address: Address) -> Wire:
        """Begin to open a connection.

        Raises:
            WireFailed: that is refused at once.
        """
        return Wire(
            origin,
            address,
            self._trusted() if origin.is_secure else None,
            monotonic=time.monotonic,
            connect_timeout_s=self._connect_timeout_s,
            read_timeout_s=self._read_timeout_s,
        )

    def keep(self, wires: Iterable[Wire]) -> None:
        """Keep what can be used again; of too many, those that were idle for longest are closed."""
        now = self._now()
        with self._lock:
            for wire in wires:
                wire.idle_since = now
                self._idle.append(wire)
            excess = max(0, len(self._idle) - self._max_connections)
            closing, self._idle[:excess] = self._idle[:excess], []
        for wire in closing:
            wire.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            _close(self._idle)

    def _trusted(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = self._make_tls()
            return self._tls


def _close(wires: list[Wire]) -> None:
    while wires:
        wires.pop().close()
