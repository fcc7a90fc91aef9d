"""A timeline read as a sequence diagram: who called whom, in which order, who was at work. Pure.

Entries say what happened, and by `about` which requests they belong to, not who caused it. An entry's
cause is the newest thing before it that is about the same request and can cause it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from emulator.displays.diagram import Diagram, Lane, Step, Tone, Work
from emulator.displays.words import count, duration, short_names

CLIENT = "client"
GATEWAY = "gateway"
TABLES = "tables"
SCHEDULE = "schedule"
QUEUES = "queues"
LABELS = {TABLES: "tables, stream"}

MOMENT_S = 1e-6
"""What puts a step before another one in the order."""

Entry = Mapping[str, Any]
"""`{"sequence", "at", "kind", "facts"}`, as the timeline gives it."""


def read(entries: Iterable[Entry]) -> Diagram:
    """Return the diagram of `entries`, oldest first."""
    reader = _Reader(list(entries))
    reader.read()
    return reader.diagram()


@dataclass(slots=True)
class _Reader:
    entries: Sequence[Entry]
    steps: list[Step] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    related: dict[str, list[Work]] = field(default_factory=dict)
    running: dict[str, Work] = field(default_factory=dict)
    handshakes: dict[str, float] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    waiting: dict[str, deque[Step]] = field(default_factory=dict)
    queued: dict[str, Step] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    def read(self) -> None:
        for entry in self.entries:
            if entry["kind"] in ("gateway.connect", "gateway.refused"):
                took_s = (entry["facts"].get("duration_ms") or 0.0) / 1000
                self.handshakes[str(entry["facts"].get("connection_id"))] = entry["at"] - took_s
        for entry in self.entries:
            _READERS.get(entry["kind"], _Reader.other)(self, entry["at"], entry["facts"], entry)
        for step in (*chain.from_iterable(self.waiting.values()), *self.queued.values()):
            self.add(step.at, step.source, step.target, step.label, step.tone)

    def diagram(self) -> Diagram:
        steps = sorted(self.steps, key=lambda step: (step.at, step.number))
        used = {lane for step in steps for lane in (step.source, step.target, step.via) if lane is not None}
        order = sorted(used, key=lambda lane: (self.places.get(lane, 4), list(self.places).index(lane)))
        functions = [lane for lane in order if lane not in (CLIENT, GATEWAY, TABLES, SCHEDULE, QUEUES)]
        labels = LABELS | short_names(functions)
        lanes = tuple(Lane(name, labels.get(name, name)) for name in order)
        return Diagram(lanes, tuple(steps), tuple(self.works))

    def add(
        self, at: float, source: str, target: str, label: str, tone: Tone = Tone.PLAIN, **more: Any
    ) -> int:
        for lane in (source, target):
            self.place(lane)
        step = Step(at, source, target, label, tone, number=len(self.steps), **more)
        self.steps.append(step)
        return step.number

    def place(self, lane: str, place: int | None = None) -> None:
        """Say where a lane stands from left to right; the first word counts."""
        standing = {CLIENT: 0, GATEWAY: 1, TABLES: 3, QUEUES: 3, SCHEDULE: 4}
        self.places.setdefault(lane, standing.get(lane, 4 if place is None else place))

    def worker(self, ids: frozenset[str], *, but: str | None = None) -> Work | None:
        """Return the newest invocation that is about one of `ids`, one that runs before one that ended."""
        found = {work.first: work for one in ids for work in self.related.get(one, ()) if work.lane != but}
        newest = [found[first] for first in sorted(found, reverse=True)]
        return next((work for work in newest if work.last is None), newest[0] if newest else None)

    # the gateway

    def handshake(self, at: float, facts: Mapping[str, Any], entry: Entry) -> None:
        self.begin_handshake(str(facts.get("connection_id")), before=at)
        if entry["kind"] == "gateway.connect":
            self.add(at, GATEWAY, CLIENT, "101 open", is_return=True)
        else:
            self.add(at, GATEWAY, CLIENT, f"{facts.get('status')} refused", Tone.BAD, is_return=True)

    def begin_handshake(self, connection_id: str, *, before: float) -> bool:
        """Draw the beginning of a handshake once; returns whether it was drawn now.

        Its time is reckoned back from its duration, which may be off by a moment.
        """
        at = self.handshakes.pop(connection_id, None)
        if at is not None:
            self.add(min(at, before - MOMENT_S), CLIENT, GATEWAY, "handshake")
        return at is not None

    def message(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        self.add(at, CLIENT, GATEWAY, _sized(facts, "message"))
        if facts.get("route") is not None:
            self.messages[str(facts.get("request_id"))] = str(facts["route"])

    def close(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        ends = (GATEWAY, CLIENT) if facts.get("by") == GATEWAY else (CLIENT, GATEWAY)
        self.add(at, *ends, f"close {facts.get('code')}")
        self.closed.add(str(facts.get("connection_id")))

    def reply(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        tone = Tone.BAD if facts.get("type") == "error" else Tone.PLAIN
        self.add(at, GATEWAY, CLIENT, _sized(facts, "reply"), tone)

    def failed(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        self.add(at, GATEWAY, GATEWAY, f"failed: {facts.get('cause')}", Tone.BAD)

    def post(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        label, status = _sized(facts, "message"), facts.get("status", 200)
        work = self.worker(_ids(facts)) or next(reversed(self.running.values()), None)
        source = GATEWAY if work is None else work.lane
        tone = Tone.BAD if status != 200 or facts.get("type") == "error" else Tone.PLAIN
        if status != 200:
            self.add(at, source, GATEWAY, f"{label}: {status}", tone)
        elif source == GATEWAY:
            self.add(at, GATEWAY, CLIENT, label, tone)
        else:
            self.place(GATEWAY)
            self.add(at, source, CLIENT, label, tone, via=GATEWAY)

    # functions

    def batch(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        label = count(int(facts.get("records") or 0), "stream record")
        attempt = int(facts.get("attempt") or 1)
        if attempt == 1 and (writer := self.worker(_ids(facts))) is not None:
            # The record tells of an item of this request: who was at work on it has written it.
            written_at = min(at, at if writer.ended_at is None else writer.ended_at - MOMENT_S)
            self.add(written_at, writer.lane, TABLES, "writes the item", is_derived=True)
        label, tone = (label, Tone.PLAIN) if attempt == 1 else (f"{label}, attempt {attempt}", Tone.WARN)
        self.wait_for(Step(at, TABLES, str(facts.get("function")), label, tone))

    def given_up(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        destination, function = facts.get("destination"), str(facts.get("function"))
        dead_letter = facts.get("dead_letter")
        if dead_letter is not None:
            self.add(at, function, QUEUES, f"dead letter, to {dead_letter.rsplit(':', 1)[-1]}", Tone.BAD)
        if destination is None:
            if dead_letter is None:
                self.add(at, function, function, "given up", Tone.BAD)
        elif ":lambda:" in destination:
            self.wait_for(Step(at, function, destination.rsplit(":", 1)[-1], "on failure", Tone.BAD))
        else:
            name = destination.rsplit(":", 1)[-1]
            self.add(at, function, QUEUES, f"on failure, to {name}", Tone.BAD)

    def queue_batch(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        label = f"{count(int(facts.get('messages') or 0), 'message')} of {facts.get('queue')}"
        self.wait_for(Step(at, QUEUES, str(facts.get("function")), label))

    def fault(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        lane = str(facts.get("function") or (TABLES if facts.get("service") else GATEWAY))
        call = f" {facts['operation']}" if facts.get("operation") else ""
        self.add(at, lane, lane, f"fault on purpose: {facts.get('fault')}{call}", Tone.WARN)

    def fault_added(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        lane = GATEWAY if facts.get("function") is None else str(facts["function"])
        if facts.get("table") is not None:
            lane = TABLES
        self.add(at, lane, lane, f"{facts.get('id')} added: {facts.get('fault')}", Tone.DIM)

    def advanced(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        by = duration(float(facts.get("seconds") or 0.0) * 1000)
        self.add(at, SCHEDULE, SCHEDULE, f"clock advanced by {by}", Tone.DIM)

    def fired(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        step = Step(at, SCHEDULE, str(facts.get("function")), str(facts.get("schedule")))
        if (request_id := str(facts.get("request_id"))) in self.queued:
            self.queued[request_id] = step
        elif request_id not in self.running:
            self.wait_for(step)

    def wait_for(self, step: Step) -> None:
        """Keep an arrow until the function that it calls has started."""
        self.waiting.setdefault(step.target, deque()).append(step)

    def queue(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        function = str(facts.get("function"))
        if waiting := self.waiting.get(function):
            step = waiting.popleft()
        else:
            caller = self.worker(_ids(facts), but=function)
            step = Step(at, function if caller is None else caller.lane, function, "invoke, Event")
        self.queued[str(facts.get("request_id"))] = step

    def start(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        function, request_id = str(facts.get("function")), str(facts.get("request_id"))
        call = self.call(at, function, request_id, facts)
        self.place(function, {GATEWAY: 2, TABLES: 4}.get(call.source, 6 if call.tone is Tone.BAD else 5))
        label = f"{call.label}, cold start" if facts.get("cold") else call.label
        number = self.add(at, call.source, function, label, call.tone)
        self.running[request_id] = work = Work(function, request_id, call.source, number, _ids(facts))
        self.works.append(work)
        for identifier in work.ids:
            self.related.setdefault(identifier, []).append(work)

    def call(self, at: float, function: str, request_id: str, facts: Mapping[str, Any]) -> Step:
        """Return the arrow that leads to the start of `function`, wherever it comes from."""
        if request_id in self.queued:
            return self.queued.pop(request_id)
        if waiting := self.waiting.get(function):
            return waiting.popleft()
        for correlation_id in sorted(_ids(facts) & self.messages.keys()):
            return Step(at, GATEWAY, function, self.messages.pop(correlation_id))
        connection_id = str(facts.get("connection_id"))
        if self.begin_handshake(connection_id, before=at):
            return Step(at, GATEWAY, function, "$connect")
        if connection_id in self.closed:
            return Step(at, GATEWAY, function, "$disconnect")
        caller = self.worker(_ids(facts), but=function)
        if caller is None or caller.last is not None:  # who waits for an answer is at work
            return Step(at, function, function, "invoked from outside")
        return Step(at, caller.lane, function, "invoke")

    def end(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        work = self.running.pop(str(facts.get("request_id")), None)
        if work is None:
            return
        took = duration(float(facts.get("duration_ms") or 0.0))
        work.ended_at = at
        work.has_failed = facts.get("function_error") is not None
        tone = Tone.BAD if work.has_failed else Tone.PLAIN
        label = f"{facts.get('error_type') or 'failed'} after {took}" if work.has_failed else took
        target = work.source if work.source in (GATEWAY, TABLES) else work.lane
        label = label if work.has_failed or target != work.lane else f"ended after {took}"
        work.last = self.add(at, work.lane, target, label, tone, is_return=True)

    def retry(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        function = str(facts.get("function"))
        label = f"Lambda tries again in {duration(float(facts.get('delay_ms') or 0.0))}"
        self.add(at, function, function, label, Tone.WARN)

    def environment_ended(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        function, status = str(facts.get("function")), facts.get("status")
        how = f"killed, signal {-status}" if isinstance(status, int) and status < 0 else "ended"
        tone = Tone.BAD if facts.get("state") == "busy" else Tone.DIM
        self.add(at, function, function, f"process {facts.get('pid')} {how}", tone)

    def environment_started(self, at: float, facts: Mapping[str, Any], _entry: Entry) -> None:
        function = str(facts.get("function"))
        self.add(at, function, function, f"process {facts.get('pid')} started", Tone.DIM)

    def other(self, at: float, facts: Mapping[str, Any], entry: Entry) -> None:
        """Draw a kind that this module does not know as a note, where it belongs."""
        part, _, name = str(entry["kind"]).partition(".")
        lane = facts.get("function") or _PARTS.get(part)
        if lane is not None:
            self.add(at, str(lane), str(lane), name.replace("_", " "), Tone.DIM)


_PARTS = {
    "clock": SCHEDULE,
    "gateway": GATEWAY,
    "queue": QUEUES,
    "schedule": SCHEDULE,
    "stream": TABLES,
}
"""Where a kind that is not known is noted."""


def _ids(facts: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the requests that an entry is about."""
    return frozenset(str(identifier) for named in facts.get("about") or () for identifier in named.values())


def _sized(facts: Mapping[str, Any], what: str) -> str:
    """Return what a message is, and its size."""
    name, size = facts.get("action") or facts.get("type") or what, facts.get("bytes")
    return str(name) if size is None else f"{name}, {size:,} B"


_READERS: Mapping[str, Callable[[_Reader, float, Mapping[str, Any], Entry], None]] = {
    "gateway.connect": _Reader.handshake,
    "gateway.refused": _Reader.handshake,
    "gateway.message": _Reader.message,
    "gateway.close": _Reader.close,
    "gateway.reply": _Reader.reply,
    "gateway.failed": _Reader.failed,
    "gateway.post": _Reader.post,
    "stream.batch": _Reader.batch,
    "queue.batch": _Reader.queue_batch,
    "clock.advanced": _Reader.advanced,
    "fault.added": _Reader.fault_added,
    "fault.struck": _Reader.fault,
    "lambda.queued": _Reader.queue,
    "lambda.start": _Reader.start,
    "lambda.end": _Reader.end,
    "lambda.given_up": _Reader.given_up,
    "lambda.retry": _Reader.retry,
    "schedule.fired": _Reader.fired,
    "environment.started": _Reader.environment_started,
    "environment.ended": _Reader.environment_ended,
}
