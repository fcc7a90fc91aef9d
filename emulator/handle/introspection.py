"""What a sandbox tells of itself: what happened, what its functions received, what its tables hold."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import urllib3

from emulator.applications.source import ApplicationSource
from emulator.control.names import whole_name
from emulator.errors import EmulatorError
from emulator.handle import items
from emulator.handle.control_client import call, logs_of
from emulator.handle.explaining import OTHERS, explain
from emulator.handle.views import Invocations, Lifecycle, Logs, Rows, Timeline
from emulator.state import State

if TYPE_CHECKING:
    from emulator.displays.live import LiveRequest

MAX_EXPLAINED = 20
"""Invocations of a request whose events come along with its timeline, the newest."""


class Introspection(ABC):
    """The part of `Sandbox` that only looks."""

    _source: ApplicationSource

    def __init__(self) -> None:
        self._http = urllib3.PoolManager(maxsize=4, retries=False)

    @property
    @abstractmethod
    def state(self) -> State:
        """What is known of the running emulator. Raises SandboxNotRunning."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether the emulator is ready and has not ended."""

    @abstractmethod
    def boto3(self, service: str) -> Any:
        """Return a boto3 client of the sandbox."""

    def __str__(self) -> str:
        from emulator.displays.sandbox import sandbox_text

        return sandbox_text(self.overview()) if self.is_running else repr(self)

    def _repr_html_(self) -> str | None:
        from emulator.displays.sandbox import sandbox_html

        return sandbox_html(self.overview()) if self.is_running else None

    async def timeline(self, request: Any = None, *, after: int = 0) -> Timeline:
        """List what happened, oldest first: `{"sequence", "at", "kind", "facts"}`.

        Args:
            request: only what belongs to this request: what `client.request` returned, or any id of it
                (its own, its correlation id, an invocation's), or a connection's id.
            after: only entries with a higher sequence.
        """
        of = None if request is None else str(getattr(request, "request_id", request))
        query = f"/timeline?after={after}" + ("" if of is None else f"&of={quote(of, safe='')}")
        entries = await self._call("GET", query)
        ids = [entry["facts"]["request_id"] for entry in entries if entry["kind"] == "lambda.start"]
        invocations = []
        if ids:
            invocations = await self._call("GET", f"/invocations?ids={','.join(ids[-MAX_EXPLAINED:])}")
        return Timeline(entries, of=of, invocations=invocations)

    async def events(self, function: str) -> Invocations:
        """List what a function received and answered, oldest first; the newest 200 at most.

        Tokens are shortened, and what is larger than 256 KiB was not kept.

        Shape:
            `{"function", "request_id", "started_at", "duration_ms", "function_error", "event", "response"}`
        """
        return Invocations(await self._call("GET", f"/invocations?function={quote(str(function))}"))

    async def table(self, name: str, *, limit: int = items.MAX_ROWS) -> Rows:
        """Read the items of a table as plain values, `limit` at most; `requests` is enough of its name.

        Raises:
            EmulatorError: there is no such table, or several names end so.
        """
        overview = await asyncio.to_thread(self.overview)
        table = whole_name(sorted(overview["tables"]), name, what="table")
        return Rows(await items.read(self.boto3("dynamodb"), table, limit=limit), title=table)

    def overview(self) -> dict[str, Any]:
        """Return what the sandbox is made of just now, for its display.

        Shape:
            `{"application", "execution", "addresses", "backend", "functions", "routes", "tables",
            "environments", "connections"}`
        """
        state = self.state
        found: dict[str, Any] = call(self._http, state, "GET", "/overview")
        addresses = {
            "websocket": state.addresses.websocket,
            "management": state.addresses.management,
            "https": state.addresses.https,
            "aws_endpoint": state.addresses.aws_endpoint,
        }
        return {**found, "addresses": addresses, "backend": dict(state.backend)}

    async def logs(self, function: str) -> Logs:
        """List the kept logs of a function, one per invocation, oldest first; `.records` are its JSON lines.

        Shape:
            `{"function", "request_id", "started_at", "cold", "pid", "duration_ms", "function_error", "log"}`
        """
        return Logs(await self._call("GET", f"/logs?function={quote(str(function))}"))

    async def environments(self) -> list[dict[str, Any]]:
        """List the execution environments: function, pid, state, invocations."""
        environments: list[dict[str, Any]] = await self._call("GET", "/environments")
        return environments

    async def memory(self) -> list[dict[str, Any]]:
        """List the emulator's processes with their memory."""
        rows: list[dict[str, Any]] = await self._call("GET", "/memory")
        return rows

    def show(self, request: Any) -> "LiveRequest":
        """Show a request in a display that moves with it; `await` that to go on when there is an outcome."""
        from emulator.displays.live import show_request

        return show_request(request)

    def lifecycle(self, current: str | None = None, visited: Collection[str] = ()) -> Lifecycle:
        """Return the lifecycle of the application's requests, which shows itself drawn from its table.

        Args:
            current: the state that is marked, `row["status"]` of a request's item for example.
            visited: states that were passed; the others are paler then.
        """
        source = self._source
        return Lifecycle(source.lifecycle, initial=source.initial_state, current=current, visited=visited)

    def explain(self, error: BaseException) -> str | None:
        """Return the end of the log behind an error that names its request; None where there is none."""
        request_id = getattr(error, "request_id", None)
        if not isinstance(request_id, str) or not self.is_running:
            return None
        try:
            logs = logs_of(self._http, self.state, request_id)
        except EmulatorError:
            return None
        return explain(logs, folders=(*self._source.folders, *OTHERS))

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(call, self._http, self.state, method, path, body)
