"""The story that the demo tells, one function per step."""

import asyncio
import csv
import io
from collections.abc import Callable
from typing import Any

import msgspec
import urllib3

from emulator import Sandbox
from scripts.demonstration.record import Record
from scripts.demonstration.transcript import Transcript
from streamer.actions.sources import SOURCE_NOT_FOUND
from streamer.clients.python import Client, ConnectionRefused, RequestFailed
from streamer.clock import SystemClock
from streamer.protocol import Complete, Progress
from streamer.stack import stack
from streamer.store import RequestKey, RequestStore

MAX_ROWS_SHOWN = 8
"""Lines of the report that are shown."""


class Demo:
    """Plays the flow on a running sandbox, tells it and checks it."""

    def __init__(self, sandbox: Sandbox, transcript: Transcript, record: Record) -> None:
        self._sandbox = sandbox
        self._say = transcript
        self._record = record

    async def play(self) -> None:
        """Play everything."""
        await self._refused()
        self._say.step(
            "Connect with a JWT", "The same handshake with a good token; $connect stores who this is."
        )
        with self._record.timed("connect"):
            client = await self._sandbox.connect(user="demo", tenant="demo", on_message=self._heard)
        self._check("the connection is open", passed=not client.is_closed)
        try:
            await self._echo(client)
            await self._report(client)
            await self._failure(client)
            await self._kill(client)
        finally:
            await self._disconnect(client)

    async def _refused(self) -> None:
        self._say.step(
            "Connect with a bad token", "$connect runs before the handshake is answered, and refuses it."
        )
        try:
            await self._sandbox.connect(token="not.a.token")
            self._check("the handshake is refused with 401", passed=False)
        except ConnectionRefused as refusal:
            self._check(f"refused: {refusal}", passed=refusal.status == 401)

    async def _echo(self, client: Client) -> None:
        self._say.step(
            "echo: answered at once",
            "Short work: the router function runs it; what it returns is the reply.",
        )
        payload = {"message": "hi"}
        self._sent("echo", payload)
        with self._record.timed("echo"):
            answer = await client.request("echo", payload)
        self._show_last(client)
        self._check(
            f"the answer came back in {self._record.timings_ms['echo']:.1f} ms",
            passed=answer["echo"] == payload,
        )

    async def _report(self, client: Client) -> None:
        self._say.step(
            "generate_report: acknowledged, then progress, then one completion",
            "Long work: queued in DynamoDB, dispatched by its stream, run by another function.",
        )
        payload = {"start_date": "2024-01-01", "end_date": "2024-12-31", "report_type": "quarterly"}
        self._sent("generate_report", payload)
        with self._record.timed("report"):
            with self._record.timed("report_acknowledged"):
                request = client.request("generate_report", payload)
                await request.acknowledgment()
            self._show_last(client)
            with self._say.bar("report") as bar:
                async for progress in request:
                    bar.update(progress.percentage, progress.message)
                result = await request
        self._show_last(client)
        self._record.timings_ms["report_enqueued_to_executor_start"] = await self._waited(request.request_id)
        self._check_sequence(request.messages, "report")
        await self._fetch(result)

    async def _waited(self, request_id: str) -> float:
        """Return the milliseconds from a request's creation to its executor's claim, as its item says."""
        requests = RequestStore(self._sandbox.boto3("dynamodb"), stack().settings, SystemClock())
        state = await asyncio.to_thread(requests.get, RequestKey("demo", "demo", request_id))
        return round(((state.started_at or 0.0) - state.created_at) * 1000, 1)

    async def _fetch(self, result: dict[str, Any]) -> None:
        response = await asyncio.to_thread(
            urllib3.PoolManager(retries=False).request, "GET", result["report"]
        )
        rows = list(csv.reader(io.StringIO(response.data.decode())))
        self._say.table("The report, fetched by its link", rows[0], rows[1 : MAX_ROWS_SHOWN + 1])
        if len(rows) > MAX_ROWS_SHOWN + 1:
            self._say.progress(f"and {len(rows) - MAX_ROWS_SHOWN - 1} lines more")
        self._check(
            "the link in the result leads to the report", passed=response.status == 200 and len(rows) > 1
        )

    async def _failure(self, client: Client) -> None:
        self._say.step(
            "A request that fails", "The action says why, in its own code; the connection stays open."
        )
        payload = {"start_date": "2024-01-01", "end_date": "2024-12-31", "source": "nothing.csv"}
        self._sent("generate_report", payload)
        code = ""
        try:
            request = client.request("generate_report", payload)
            await request.acknowledgment()
            self._show_last(client)
            await request
        except RequestFailed as failure:
            code = failure.code
            self._show_last(client)
            self._say.check(str(failure), passed=True)
        self._check("one clear error", passed=code == SOURCE_NOT_FOUND)

    async def _kill(self, client: Client) -> None:
        self._say.step(
            "An executor that dies in the middle",
            "SIGKILL at half time: Lambda hands the failure to the sweeper function, which frees the request;"
            " a second attempt runs it, with sequence numbers of its own, a million further.",
        )
        payload = {"seconds": 1.5, "steps": 10}
        self._sent("sleep", payload)
        killed: int | None = None
        with self._record.timed("killed_request"):
            request = client.request("sleep", payload)
            await request.acknowledgment()
            self._show_last(client)
            with self._say.bar("sleep") as bar:
                async for progress in request:
                    bar.update(progress.percentage, f"attempt {progress.attempt}")
                    if progress.percentage >= 50 and killed is None:
                        killed = await self._sandbox.kill_environment("executor")
                        bar.update(progress.percentage, f"killed process {killed}")
                await request
        self._show_last(client)
        attempts = {
            received.message.attempt
            for received in request.messages
            if isinstance(received.message, Progress)
        }
        self._check("an executor was killed", passed=killed is not None)
        self._check("a second attempt ran", passed=attempts == {1, 2})
        self._check_sequence(request.messages, "killed request")

    async def _disconnect(self, client: Client) -> None:
        self._say.step("Disconnect", "$disconnect removes the connection and what it subscribed to.")
        await client.close()
        await _until(self._no_connections)
        self._check("no connection is left in the table", passed=await self._no_connections())

    async def _no_connections(self) -> bool:
        scan = self._sandbox.boto3("dynamodb").scan
        table = stack().settings.connections_table
        page = await asyncio.to_thread(scan, TableName=table, ConsistentRead=True)
        return not page["Items"]

    def _check_sequence(self, messages: list[Any], name: str) -> None:
        sequences = [
            received.message.sequence
            for received in messages
            if isinstance(received.message, Progress | Complete)
        ]
        outcomes = [received for received in messages if isinstance(received.message, Complete)]
        self._check(f"the {name}'s sequence numbers rise", passed=sequences == sorted(set(sequences)))
        self._check(f"the {name} has exactly one completion", passed=len(outcomes) == 1)

    def _check(self, sentence: str, *, passed: bool) -> None:
        self._say.check(sentence, passed=self._record.check(sentence, passed=passed))

    def _sent(self, action: str, payload: dict[str, Any]) -> None:
        self._say.sent({"action": action, "payload": payload})

    def _heard(self, message: Any, at: float) -> None:
        self._record.message(msgspec.json.encode(message).decode())

    def _show_last(self, client: Client) -> None:
        self._say.received(self._record.messages[-1]["message"])


async def _until(condition: Callable[[], Any], timeout_s: float = 5.0) -> None:
    """Wait until `condition` holds, at most `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await condition():  # noqa: ASYNC110  # a table tells nobody that it changed
                await asyncio.sleep(0.02)
    except TimeoutError:
        return
