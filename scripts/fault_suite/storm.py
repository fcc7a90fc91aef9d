"""Carries a plan out on a running sandbox and collects what was seen."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from emulator import Sandbox
from emulator.errors import EmulatorError
from scripts.fault_suite.attempts import runs_of
from scripts.fault_suite.calm import SETTLING, wait_quietly
from scripts.fault_suite.client_consumer import ClientConsumer
from scripts.fault_suite.consumer import Consumer, Waiting
from scripts.fault_suite.plan import EXECUTOR_S, Act, Advance, Cut, Kill, Plan, PlannedRequest
from scripts.fault_suite.verdict import Seen, Violation, is_given_up, judge

AT_ONCE = 24
"""Requests that are under way at the same time."""

PLACE_S = 10.0
"""Seconds after which a request that takes long gives its place to the next."""

GONE = 410
"""HTTP status of a post to a connection that is over."""


@dataclass(slots=True)
class Result:
    """What a storm did and what was seen.

    Attributes:
        faults: how often each fault struck, by name, with the acts between.
        outcomes: how requests ended, by kind.
        seen: counts of the consumers.
        settled: how many requests were without an outcome before each move of the clock in the calm after.
        slow: those that a first sweep did not help.
        given_up: of requests that ended without their action's word, how each invocation for them was lost.
        timelines: of the requests concerned, what happened, oldest first.
    """

    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    settled: list[tuple[float, int]] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)
    storm_s: float = 0.0
    calm_s: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    given_up: dict[str, list[str]] = field(default_factory=dict)
    timelines: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)


class Storm:
    """One run of a plan. A sandbox takes one at a time."""

    def __init__(self, sandbox: Sandbox, plan: Plan) -> None:
        self._sandbox = sandbox
        self._plan = plan
        self._result = Result(plan)
        self._entries: list[Mapping[str, Any]] = []
        self._open: dict[str, None] = {}
        self._consumers: list[tuple[Consumer, ClientConsumer]] = []

    async def run(self) -> Result:
        """Send everything under faults, let it calm down, and judge."""
        url = self._sandbox.addresses.websocket
        await self._token("nobody")  # reads the key before calls fail
        await asyncio.to_thread(
            self._sandbox.boto3("lambda").update_function_configuration,
            FunctionName="streamer-executor",
            Timeout=EXECUTOR_S,
        )
        for number in range(self._plan.users):
            token = partial(self._token, f"user-{number}")
            self._consumers.append((Consumer(url, token), ClientConsumer(url, token)))
        watch = asyncio.create_task(self._watch())
        try:
            began = time.monotonic()
            await self._rage()
            self._result.storm_s = time.monotonic() - began
            await self._calm_down()
            self._result.calm_s = time.monotonic() - began - self._result.storm_s
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await asyncio.gather(*(consumer.close() for consumer in self._all()))
        await self._judge()
        return self._result

    def _all(self) -> list[Consumer | ClientConsumer]:
        return [consumer for seats in self._consumers for consumer in seats]

    async def _token(self, user: str) -> str:
        return await asyncio.to_thread(self._sandbox.token, user, TENANT)

    # the storm

    async def _rage(self) -> None:
        named: dict[str, str] = {}
        for fault in self._plan.faults:
            added = await self._sandbox.add_fault(
                fault.kind,
                probability=fault.probability,
                times=None,
                delay_s=fault.delay_s,
                code=fault.code,
                seed=fault.seed,
                **dict[str, Any](fault.where),
            )
            named[added] = fault.name
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for number, request in enumerate(self._plan.requests):
                for act in self._plan.acts.get(number, ()):
                    await self._act(act)
                await _take(room)
                group.create_task(self._send(request, room))
        for told in await self._sandbox.faults():
            self._result.faults[named[told["id"]]] += told["struck"]
        await self._sandbox.clear_faults()

    async def _send(self, request: PlannedRequest, room: asyncio.Semaphore) -> None:
        """Send a request, and give its place back when it is over, or seems to take long."""
        seats = self._consumers[request.user]
        try:
            waiting = await seats[request.seat].ask(request, times=2 if request.twice else 1)
            if request.viewed:
                await seats[1 - request.seat].ask(request, follow=True)
            if request.cancel_after_s is not None:
                await asyncio.sleep(request.cancel_after_s)
                await seats[request.seat].cancel(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(PLACE_S):
                    await waiting.done.wait()
        finally:
            room.release()

    async def _act(self, act: Act) -> None:
        match act:
            case Kill(function):
                if await self._sandbox.kill_environment(function) is not None:
                    self._result.faults[f"killed now: {function}"] += 1
            case Advance(seconds):
                await self._sandbox.advance_clock(seconds)
                self._result.faults[f"clock advanced by {seconds:g} s"] += 1
            case Cut(share, by_client=True):
                consumers = self._all()
                if consumers[int(share * len(consumers))].cut():
                    self._result.faults["cut by the client"] += 1
            case Cut(share):
                connections = list(self._open)
                if connections and await self._sandbox.cut_connection(
                    connections[int(share * len(connections))]
                ):
                    self._result.faults["cut by the server"] += 1

    async def _watch(self) -> None:
        """Follow the timeline, which keeps the newest entries only; cut what was told to be gone."""
        while True:
            await asyncio.sleep(0.3)
            await self._read_timeline()

    async def _read_timeline(self) -> None:
        after = self._entries[-1]["sequence"] if self._entries else 0
        for entry in await self._sandbox.timeline(after=after):
            self._entries.append(entry)
            facts = entry["facts"]
            if entry["kind"] == "gateway.connect":
                self._open[facts["connection_id"]] = None
            elif entry["kind"] == "gateway.close":
                self._open.pop(facts["connection_id"], None)
            elif entry["kind"] == "gateway.post" and facts["status"] == GONE:
                # On AWS this is said of connections only that are no more: so this one shall be.
                with suppress(EmulatorError):
                    await self._sandbox.cut_connection(facts["connection_id"])

    # the calm after it

    async def _calm_down(self) -> None:
        for seconds in SETTLING:
            self._result.settled.append((seconds, len(self._missing())))
            if len(self._result.settled) == 3:
                self._result.slow = {waiting.request.id for waiting in self._missing()}
            if seconds:
                await self._sandbox.advance_clock(seconds)
            await wait_quietly(
                missing=lambda: len(self._missing()),
                unsettled=self._unsettled,
                is_unheard=lambda: any(consumer.unheard for consumer in self._all()),
                latest=lambda: self._entries[-1]["sequence"] if self._entries else 0,
            )

    def _missing(self) -> list[Waiting]:
        return [waiting for consumer in self._all() for waiting in consumer.missing]

    async def _unsettled(self) -> int:
        return await asyncio.to_thread(self._count_due)

    def _count_due(self) -> int:
        pages = (
            self._sandbox.boto3("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName="streamer-requests",
                IndexName="due-index",
                KeyConditionExpression="due = :due",
                ExpressionAttributeValues={":due": {"S": "DUE"}},
                Select="COUNT",
            )
        )
        return sum(page["Count"] for page in pages)

    # the judgement

    async def _judge(self) -> None:
        stored = await asyncio.to_thread(self._read_states)
        await self._read_timeline()
        for request in self._plan.requests:
            seen = [
                consumer.waiting[request.id].seen
                for consumer in self._consumers[request.user]
                if request.id in consumer.waiting
            ]
            state = stored.get(request.id)
            self._count(request, seen, state)
            runs = runs_of(self._entries, request.id) if is_given_up(state) else ()
            self._result.violations += judge(request, seen, state, runs)
            if is_given_up(state):
                self._result.given_up[request.id] = [run.loss or "not lost" for run in runs]
        for consumer in self._all():
            self._result.seen += consumer.counts
        for request_id in self._result.slow.union(one.request_id for one in self._result.violations):
            self._result.timelines[request_id] = self._timeline_of(request_id)

    def _timeline_of(self, request_id: str) -> list[Mapping[str, Any]]:
        from emulator.telemetry.tracing import related

        return related(self._entries, request_id)

    def _read_states(self) -> dict[str, dict[str, Any]]:
        pages = self._sandbox.boto3("dynamodb").get_paginator("scan")
        plain = TypeDeserializer().deserialize
        items = (
            {name: plain(value) for name, value in item.items()}
            for page in pages.paginate(TableName="streamer-requests", ConsistentRead=True)
            for item in page["Items"]
        )
        return {
            item["request_id"]: item
            for item in items
            if item["sk"] == "STATE" and item["tenant_id"] == TENANT
        }

    def _count(self, request: PlannedRequest, seen: Sequence[Seen], state: Mapping[str, Any] | None) -> None:
        result = self._result
        ended = (
            state["status"] if state else "answered" if any(one.messages for one in seen) else "unanswered"
        )
        if state and state["status"] == "FAILED":
            ended += f" {state['error']['code']}"
        result.outcomes[request.kind.value, ended] += 1
        if state:
            result.attempts[int(state["attempt"])] += 1
        for one in seen:
            result.seen["duplicates dropped"] += one.duplicates
            result.seen["progress messages"] += sum(m["type"] == "progress" for m in one.messages)


TENANT = "storm"


async def _take(room: asyncio.Semaphore) -> None:
    await room.acquire()
