"""Takes what the functions receive and tells them what to do: a server in the test's process."""

import asyncio
import itertools
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from scripts.parity_harness.deadline import DEADLINE_S
from scripts.parity_harness.defaults import default_answer
from scripts.parity_harness.script import Steps

T = TypeVar("T")

Matching = Callable[["Invocation"], bool]

HELD_S = 60.0
"""Seconds until an invocation that a test held and forgot goes on by itself."""


@dataclass(eq=False)
class Invocation:
    """One invocation that reached a function.

    Attributes:
        context: what the handler's context object said.
        environment: the process's variables.
        instance: differs after the process was replaced.
        count: of invocations of that process, this one included.
    """

    number: int
    function: str
    event: Any
    context: Mapping[str, Any]
    environment: Mapping[str, str]
    instance: str
    count: int
    pid: int
    findings: list[Any] = field(default_factory=list)
    _released: threading.Event = field(default_factory=threading.Event)
    _steps: Steps | None = None

    def release(self, steps: Steps | None = None) -> None:
        """Let a held invocation go on with these steps, by default those of an unscripted function."""
        self._steps = steps
        self._released.set()

    def _wait(self) -> Steps | None:
        self._released.wait(HELD_S)
        return self._steps


Answer = Steps | Callable[[Invocation], Steps | None] | None


class Recorder:
    """Remembers every invocation of a test and answers it by the function's script.

    Attributes:
        address: `host:port`, for the functions' `PARITY_RECORDER`.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        self._defaults: dict[str, Answer] = {}
        self._all: list[Invocation] = []
        self._untaken: list[Invocation] = []
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.recorder = self
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server; invocations that are held go on."""
        self.reset()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forget_scripts(self) -> None:
        """Let every function return null again; what is held goes on."""
        with self._lock:
            for invocation in self._all:
                invocation._released.set()
            self._answers.clear()
            self._defaults.clear()

    def reset(self) -> None:
        """Forget every script and invocation."""
        with self._lock:
            self.forget_scripts()
            self._all.clear()
            self._untaken.clear()

    # The test's side

    def answer_always(self, function: str, answer: Answer) -> None:
        """Answer every invocation of `function` so, where nothing is queued."""
        with self._lock:
            self._defaults[function] = answer

    def answer_next(self, function: str, answer: Answer) -> None:
        """Queue an answer for one invocation of `function`."""
        with self._lock:
            self._answers[function].append(answer)

    def invocations(self, function: str | None = None) -> list[Invocation]:
        """List what reached the functions in this test, oldest first."""
        with self._lock:
            return [one for one in self._all if function in (None, one.function)]

    async def take(self, function: str, matching: Matching, *, deadline_s: float) -> Invocation:
        """Return the oldest invocation that fits and was not taken yet, as soon as there is one.

        Raises:
            AssertionError: there was none within `deadline_s`.
        """

        def fitting() -> Invocation | None:
            for one in self._untaken:
                if one.function == function and matching(one):
                    self._untaken.remove(one)
                    return one
            return None

        def otherwise() -> str:
            came = [one.function for one in self.invocations()]
            return f"{function!r} was not invoked as asked for; invoked were: {came}"

        return await self.until(fitting, otherwise, deadline_s=deadline_s)

    async def until(
        self, find: Callable[[], T | None], otherwise: Callable[[], str], *, deadline_s: float
    ) -> T:
        """Return what `find` finds, as soon as it finds something; it is asked after every arrival.

        Raises:
            AssertionError: nothing within `deadline_s`; says `otherwise()`.
        """
        arrived = asyncio.Event()
        entry = (asyncio.get_running_loop(), arrived)
        with self._lock:
            self._waiting.append(entry)
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    arrived.clear()
                    with self._lock:
                        found = find()
                    if found is not None:
                        return found
                    await arrived.wait()
        except TimeoutError:
            raise AssertionError(f"Within {deadline_s:g} s: {otherwise()}") from None
        finally:
            with self._lock:
                self._waiting.remove(entry)

    # The functions' side

    def invoked(self, facts: Mapping[str, Any]) -> tuple[Invocation, Steps]:
        """Take an invocation, and wait where it is held; returns what it shall do."""
        with self._lock:
            one = Invocation(number=next(self._numbers), **facts)
            self._all.append(one)
            self._untaken.append(one)
            queued = self._answers[one.function]
            answer = queued.popleft() if queued else self._defaults.get(one.function)
            self._announce()
        return one, self._decide(answer, one)

    def found(self, number: int, value: Any) -> None:
        """Take what a function tells in the middle of an invocation."""
        with self._lock:
            for one in self._all:
                if one.number == number:
                    one.findings.append(value)
            self._announce()

    def _decide(self, answer: Answer, one: Invocation) -> Steps:
        steps = answer(one) if callable(answer) else answer
        return default_answer(one.function, one.event) if steps is None else steps

    def _announce(self) -> None:
        for loop, arrived in self._waiting:
            with suppress(RuntimeError):  # the test's loop has ended
                loop.call_soon_threadsafe(arrived.set)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    recorder: Recorder

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that was killed while it asked is no error of the test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Answer a function."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        recorder = self.server.recorder
        if self.path == "/findings":
            recorder.found(message["invocation"], message["value"])
            answer: Any = {}
        else:
            one, steps = recorder.invoked(message)
            answer = {"invocation": one.number, "steps": steps.steps}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Write no log."""


class FunctionScript:
    """One function as a test sees it: what it shall do, and what reached it."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self._recorder = recorder
        self.name = name

    # What it shall do: always, or with `once` for the next invocation only

    def does(self, answer: Answer, *, once: bool = False) -> "FunctionScript":
        """Answer by steps, or by a function of the invocation that returns steps."""
        if once:
            self._recorder.answer_next(self.name, answer)
        else:
            self._recorder.answer_always(self.name, answer)
        return self

    def returns(self, value: Any, *, once: bool = False) -> "FunctionScript":
        """Return a JSON value."""
        return self.does(Steps().returns(value), once=once)

    def raises(self, message: str, *, kind: str = "Exception", once: bool = False) -> "FunctionScript":
        """Raise an exception."""
        return self.does(Steps().raises(message, kind=kind), once=once)

    def sleeps(self, seconds: float, *, once: bool = False) -> "FunctionScript":
        """Wait in the handler, then return null."""
        return self.does(Steps().sleeps(seconds), once=once)

    def runs(self, source: str, *, once: bool = False) -> "FunctionScript":
        """Run Python that defines `main(event, context)`; see `Steps.runs`."""
        return self.does(Steps().runs(source), once=once)

    def holds(self, *, once: bool = False) -> "FunctionScript":
        """Keep invocations waiting until the test calls `release` on them."""
        return self.does(Invocation._wait, once=once)

    # What reached it

    async def invocation(
        self, matching: Matching = lambda one: True, *, deadline_s: float | None = None
    ) -> Invocation:
        """Return the oldest invocation that fits and was not returned yet; waits for it."""
        return await self._recorder.take(
            self.name, matching, deadline_s=DEADLINE_S if deadline_s is None else deadline_s
        )

    async def event(self, matching: Callable[[Any], bool] = lambda event: True) -> Any:
        """Return the event of that invocation."""
        return (await self.invocation(lambda one: matching(one.event))).event

    async def events(self, count: int) -> list[Any]:
        """Return the next `count` events, in the order in which they came."""
        return [await self.event() for _ in range(count)]

    async def finding(self, one: Invocation, *, deadline_s: float | None = None) -> Any:
        """Return the next thing that the handler told of an invocation."""
        found = await self._recorder.until(
            lambda: [one.findings.pop(0)] if one.findings else None,
            lambda: f"{self.name!r} told nothing of its invocation.",
            deadline_s=DEADLINE_S if deadline_s is None else deadline_s,
        )
        return found[0]

    @property
    def invocations(self) -> list[Invocation]:
        """Every invocation in this test so far, also those that were returned."""
        return self._recorder.invocations(self.name)

    @property
    def count(self) -> int:
        """How often it was invoked in this test."""
        return len(self.invocations)
