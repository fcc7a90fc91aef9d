"""Ids in the shape of API Gateway's: eleven bytes that look random, grow with time, and never repeat."""

import re
from binascii import b2a_base64
from hashlib import sha256
from random import Random

from emulator.clock import Clock

_TICK_MS = 25
_TICKS_OFFSET = 2_608_533_492
_TICKS_MASK = 0x7FFF_FFFF
_SCRAMBLE = 0x9E37_79B1  # odd, so that counter -> counter * _SCRAMBLE mod 2**32 never repeats
_CONNECTION_KIND = 0x02
_REQUEST_KIND = 0x05

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{15}=")
_BASE36 = "abcdefghijklmnopqrstuvwxyz0123456789"


def is_connection_id(text: str) -> bool:
    """Tell whether `text` has the form of a connection id: 15 characters of URL-safe base64 and `=`."""
    return _CONNECTION_ID.fullmatch(text) is not None


def api_id(name: str) -> str:
    """Return an API's id: ten of `a-z0-9`, always the same for the same name."""
    value = int.from_bytes(sha256(name.encode()).digest()[:8], "big")
    return "".join(_BASE36[value // 36**place % 36] for place in range(10))


class Identifiers:
    """Makes the ids of connections, requests and messages.

    Ids of one maker are distinct: within one tick of 25 ms by a counter, between ticks by the time.

    Shape:
        bytes 0-3: ticks of 25 ms, 31 bits, as in recorded ids; 4-7: scrambled counter; 8: 2 for connections
        and messages, 5 for requests; 9-10: random, and a message's are its connection's.

    Source:
        Recorded ids, decoded: `R1kmxc2VNjMCFIA=` (connection), `R1knPc2ntjMCFIA=` (its message),
        `R1knPH17NjMFftw=` (that message's request).
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._counter = random.getrandbits(32)

    def connection_id(self) -> str:
        """Return a new connection id."""
        return self._make(_CONNECTION_KIND, self._random.getrandbits(14) << 2)

    def request_id(self) -> str:
        """Return a new request id (`requestId` and `extendedRequestId` of one event)."""
        return self._make(_REQUEST_KIND, self._random.getrandbits(14) << 2)

    def message_id(self, connection_id: str) -> str:
        """Return a new message id for a message of `connection_id`."""
        # Bytes 9-10 are the last four characters.
        return self._make(_CONNECTION_KIND, 0)[:12] + connection_id[12:]

    def trace_header(self) -> str:
        """Return a new `X-Amzn-Trace-Id`: `Root=1-{epoch seconds, 8 hex}-{24 hex}`."""
        return f"Root=1-{int(self._clock.now()):08x}-{self._random.getrandbits(96):024x}"

    def _make(self, kind: int, tail: int) -> str:
        self._counter = (self._counter + _SCRAMBLE) & 0xFFFF_FFFF
        ticks = (int(self._clock.now() * 1000) // _TICK_MS - _TICKS_OFFSET) & _TICKS_MASK
        value = ticks << 56 | self._counter << 24 | kind << 16 | tail
        return b2a_base64(value.to_bytes(11, "big"), newline=False).translate(_URL_SAFE).decode("ascii")
