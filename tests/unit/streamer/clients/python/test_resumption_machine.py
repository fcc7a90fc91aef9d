"""`Session` and a model of a server, with connections that are cut and replaced at any moment."""

import json
from collections import defaultdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamer.clients.python.errors import ConnectionLost
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.session import Session
from streamer.protocol import Progress

WHEN = "2026-11-21T07:09:08.123Z"


class Work:
    """A long request at the server."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.sequence = 0
        self.subscribers: set[int] = set()
        self.over = False

    def message(self, request_id: str, kind: str, **fields: Any) -> dict[str, Any]:
        self.sequence += 1
        made = {
            "type": kind,
            "request_id": request_id,
            "timestamp": WHEN,
            "sequence": self.sequence,
            **fields,
        }
        self.kept.append(made)
        return made


class Machine(RuleBasedStateMachine):
    """Frames wait in each direction and arrive one by one, or are lost with their connection."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.now = 0.0
        self.newest = 0
        self.open = {0}
        self.up: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.down: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.works: dict[str, Work] = {}
        self.asked: dict[str, Exchange] = {}
        self.long: set[str] = set()
        self.outcomes: dict[str, Any] = {}
        self.runs: dict[str, int] = defaultdict(int)

    # The user

    @rule(long=st.booleans(), resends=st.booleans(), arrives=st.booleans())
    def ask(self, *, long: bool, resends: bool, arrives: bool) -> None:
        request_id = f"r{len(self.asked)}"
        if long:
            self.long.add(request_id)
        self.asked[request_id] = self.session.ask(
            "report" if long else "echo",
            {},
            request_id=request_id,
            metadata={},
            now=self.now,
            deadline_s=1e6,
            outcome_deadline_s=1e6,
            resends=resends,
        )
        if arrives:
            self.transmit()
            if self.up[self.newest]:
                self.serve(self.newest, self.up[self.newest].pop())

    @rule()
    def beat(self) -> None:
        self.session.beat(now=self.now, deadline_s=30.0)

    # The network

    @rule()
    def transmit(self) -> None:
        for connection in self.open:
            while (exchange := self.session.take(connection)) is not None:
                assert connection == self.newest, "only the newest connection is sent on"
                self.up[connection].append(json.loads(exchange.frame))

    @rule(choice=st.randoms(use_true_random=False))
    def arrive(self, choice: Any) -> None:
        """One frame arrives, of those that wait in either direction on an open connection."""
        ways = [(each, "up") for each in self.open if self.up[each]]
        ways += [(each, "down") for each in self.open if self.down[each]]
        if not ways:
            return
        connection, way = choice.choice(ways)
        frames = (self.up if way == "up" else self.down)[connection]
        frame = frames.pop(choice.randrange(len(frames)))
        if way == "up":
            self.serve(connection, frame)
        else:
            self.deliver(connection, frame)

    @precondition(lambda self: self.newest in self.open)
    @rule()
    def cut(self) -> None:
        self.lose(self.newest)

    @rule()
    def replace(self) -> None:
        """Another connection stands, whether the one before is still there or not."""
        self.newest += 1
        self.open.add(self.newest)
        self.session.opened(self.newest, now=self.now)
        self.transmit()

    @rule()
    def retire(self) -> None:
        for connection in sorted(self.open - {self.newest}):
            self.lose(connection)

    def lose(self, connection: int) -> None:
        self.open.discard(connection)
        self.up.pop(connection, None)
        self.down.pop(connection, None)
        self.session.cut(connection, 1006, now=self.now)

    @rule(seconds=st.sampled_from([1.0, 2.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.session.tick(self.now)

    # The server

    def serve(self, connection: int, frame: dict[str, Any]) -> None:
        answer = {"timestamp": WHEN, "request_id": frame["id"]}
        match frame["action"]:
            case "ping":
                answer = {"type": "pong", "timestamp": WHEN}
            case "echo":
                self.runs[frame["id"]] += 1
                answer |= {"type": "response", "success": True, "data": frame["id"]}
            case "report":
                work = self.works.setdefault(frame["id"], Work())
                work.subscribers.add(connection)
                if work.over:
                    answer = work.kept[-1]
                else:
                    answer |= {"type": "acknowledgment", "sequence": 0, "status": "PENDING", "message": ""}
            case "subscribe":
                answer |= self.subscribed(connection, **frame["payload"])
        self.down[connection].append(answer)

    def subscribed(self, connection: int, request_id: str, after_sequence: int) -> dict[str, Any]:
        work = self.works.get(request_id)
        if work is None:
            error = {"code": "NOT_FOUND", "message": "There is none."}
            return {"type": "error", "success": False, "error": error}
        work.subscribers.add(connection)
        request = {
            "request_id": request_id, "user_id": "ann", "action": "report", "status": "PROCESSING",
            "attempt": 1, "created_at": WHEN, "updated_at": WHEN,
        }  # fmt: skip
        messages = [each for each in work.kept if each["sequence"] > after_sequence]
        data = {"request": request, "messages": messages, "truncated": False}
        return {"type": "response", "success": True, "data": data}

    @rule(choice=st.randoms(use_true_random=False), ends=st.booleans())
    def work(self, choice: Any, *, ends: bool) -> None:
        """A long request goes on, or ends."""
        going = [each for each, work in self.works.items() if not work.over]
        if not going:
            return
        request_id = choice.choice(going)
        work = self.works[request_id]
        if ends:
            work.over = True
            made = work.message(request_id, "complete", success=True, result=request_id)
        else:
            made = work.message(request_id, "progress", attempt=1, percentage=1.0, message="")
        for connection in work.subscribers & self.open:
            self.down[connection].append(made)

    def deliver(self, connection: int, frame: dict[str, Any]) -> None:
        done = {each for each, exchange in self.asked.items() if exchange.phase is Phase.DONE}
        _, moved = self.session.receive(
            json.dumps(frame).encode(), at=0.0, now=self.now, connection=connection
        )
        assert not {each.request_id for each in moved} & done, "nothing follows an outcome"
        assert len({id(each) for each in moved}) == len(moved)

    # What must hold

    @invariant()
    def every_sequence_once_and_in_order(self) -> None:
        for exchange in self.asked.values():
            seen = [each.message.sequence for each in exchange.history if isinstance(each.message, Progress)]
            assert seen == sorted(set(seen))

    @invariant()
    def short_work_runs_once(self) -> None:
        for request_id, count in self.runs.items():
            assert count == 1 or self.asked[request_id].resends

    @invariant()
    def one_outcome(self) -> None:
        for request_id, exchange in self.asked.items():
            if exchange.phase is Phase.DONE:
                outcome = (exchange.result, exchange.error)
                assert self.outcomes.setdefault(request_id, outcome) == outcome
                if exchange.error is not None:
                    assert isinstance(exchange.error, ConnectionLost), "only a lost connection loses it"
                    assert not exchange.resends, "what may be sent again is never lost"
                    assert not exchange.error.is_unsent
                elif request_id in self.long:
                    assert self.works[request_id].over

    def teardown(self) -> None:
        """In the end a connection stays: everything finds its outcome, and nothing is missing."""
        if self.newest not in self.open:
            self.replace()
        self.retire()
        for _ in range(10):
            self.transmit()
            for connection in self.open:
                while self.up[connection] or self.down[connection]:
                    for frame in self.up[connection][:]:
                        self.up[connection].remove(frame)
                        self.serve(connection, frame)
                    for frame in self.down[connection][:]:
                        self.down[connection].remove(frame)
                        self.deliver(connection, frame)
            for request_id, work in self.works.items():
                if not work.over:
                    work.over = True
                    made = work.message(request_id, "complete", success=True, result=request_id)
                    for connection in work.subscribers & self.open:
                        self.down[connection].append(made)
            self.now += 5.0
            self.session.tick(self.now)
        self.one_outcome()
        self.short_work_runs_once()
        assert self.session.pending == []
        for request_id, exchange in self.asked.items():
            assert (exchange.result == request_id) != (exchange.error is not None)


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestResumption = Machine.TestCase
