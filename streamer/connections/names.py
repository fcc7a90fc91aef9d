"""Where servers may be reached: names are looked up in threads, so that only who needs one waits for it."""

import socket
from collections.abc import Callable, Sequence
from threading import Lock, Thread

from streamer.connections.origin import Origin

Address = tuple[socket.AddressFamily, tuple[object, ...]]
"""Family and address, as `getaddrinfo` gives them."""

Resolve = Callable[[Origin], Sequence[Address]]
"""Returns where a server may be reached, at least one address. Raises OSError or UnicodeError."""


def resolve(origin: Origin) -> list[Address]:
    """Ask the system, which may take many seconds."""
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in found]


class LookUp:
    """One wait for the addresses of a server.

    Attributes:
        addresses: where it may be reached, none where the name is unknown; to be read once it is readable.
    """

    def __init__(self) -> None:
        self.addresses: Sequence[Address] = ()
        self._waiting, self._telling = socket.socketpair()

    def fileno(self) -> int:
        """Return what gets readable, for ever, when the addresses are there."""
        return self._waiting.fileno()

    def tell(self, addresses: Sequence[Address]) -> None:
        """Wake who waits; called by the thread that looked up."""
        self.addresses = addresses
        self._telling.close()

    def close(self) -> None:
        """Wait no longer. Called by who waits; each closes an end of its own, so that none is used closed."""
        self._waiting.close()


class Names:
    """Looks names up, each in one thread at a time for all who want to know. Thread-safe.

    Nothing is kept: the next one who wants to know asks anew, as the addresses of AWS's names change.
    """

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._waiting: dict[Origin, list[LookUp]] = {}
        self._lock = Lock()

    def look_up(self, origin: Origin) -> LookUp:
        """Begin to look up a server, or wait with those who did.

        Raises:
            OSError: no descriptor is left.
        """
        look_up = LookUp()
        with self._lock:
            others = self._waiting.get(origin)
            if others is not None:
                others.append(look_up)
                return look_up
            self._waiting[origin] = [look_up]
        try:
            # A daemon, because nothing ends `getaddrinfo`, and a program that ends does not wait for it.
            Thread(target=self._ask, args=(origin,), name="look-up", daemon=True).start()
        except RuntimeError:  # no thread is left
            self._tell(origin, ())
        return look_up

    def _ask(self, origin: Origin) -> None:
        addresses: Sequence[Address] = ()
        try:
            addresses = self._resolve(origin)
        except (OSError, UnicodeError):  # UnicodeError: no name at all
            pass
        finally:
            self._tell(origin, addresses)

    def _tell(self, origin: Origin, addresses: Sequence[Address]) -> None:
        with self._lock:
            waiting = self._waiting.pop(origin)
        for each in waiting:
            each.tell(addresses)
