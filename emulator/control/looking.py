"""What the control API can be asked: calls that only look."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from emulator.application import Application
from emulator.control.api import Handler
from emulator.events.service import EventSources
from emulator.gateway.connections import Connections
from emulator.processes import memory
from emulator.runtime.inline import InlineEnvironments
from emulator.runtime.service import LambdaService
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline

OPENINGS_WAIT_S = 15.0
"""Seconds that the call for new inline environments waits at most; half of what callers wait. Ours."""


class Looking:
    """Answers from the parts of a running sandbox."""

    def __init__(
        self,
        application: Application,
        functions: LambdaService,
        connections: Sequence[Connections],
        events: EventSources,
        timeline: Timeline,
        localstack_pid: int | None,
        inline: InlineEnvironments | None = None,
    ) -> None:
        self._application = application
        self._functions = functions
        self._connections = connections
        self._events = events
        self._timeline = timeline
        self._localstack_pid = localstack_pid
        self._inline = inline

    def table(self) -> Mapping[tuple[str, str], Handler]:
        """Return every call: method and path to its handler."""
        return {
            ("GET", "/overview"): self._overview,
            ("GET", "/timeline"): self._entries,
            ("GET", "/logs"): self._logs,
            ("GET", "/invocations"): self._invocations,
            ("GET", "/environments"): self._environments,
            ("GET", "/events"): self._event_sources,
            ("GET", "/memory"): self._memory,
            ("GET", "/inline"): self._openings,
        }

    async def _overview(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        return {
            "application": self._application.name,
            "execution": "processes" if self._inline is None else "inline",
            "functions": [
                {
                    "name": function.name,
                    "handler": function.handler,
                    "timeout_s": function.timeout_s,
                    "memory_mb": function.memory_mb,
                }
                for function in self._application.functions
            ],
            "routes": [
                {"key": route.key, "function": route.function}
                for api in self._application.apis
                for route in api.routes
            ],
            "tables": [table.name for table in self._application.tables],
            "environments": [asdict(environment) for environment in self._functions.environments()],
            "connections": [
                {
                    "connection_id": connection.id,
                    "connected_at": connection.origin.connected_at_ms / 1000,
                    "last_active_at": connection.last_active_at,
                }
                for connections in self._connections
                for connection in connections.list_open()
            ],
        }

    async def _entries(self, query: dict[str, str], _body: dict[str, Any]) -> Any:
        entries = [entry.describe() for entry in self._timeline.entries(after=int(query.get("after", "0")))]
        return tracing.related(entries, query["of"]) if "of" in query else entries

    async def _openings(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        taken = [] if self._inline is None else await self._inline.take(wait_s=OPENINGS_WAIT_S)
        return [asdict(opening) for opening in taken]

    async def _logs(self, query: dict[str, str], _body: dict[str, Any]) -> Any:
        logs = self._functions.logs(self._name(query["function"]))
        return [
            {
                "function": log.function,
                "request_id": log.request_id,
                "started_at": log.started_at,
                "cold": log.cold,
                "pid": log.pid,
                "duration_ms": log.duration_ms,
                "function_error": log.function_error,
                "log": log.output.text(),
            }
            for log in logs
        ]

    async def _invocations(self, query: dict[str, str], _body: dict[str, Any]) -> Any:
        named = query.get("function")
        functions = [self._name(named)] if named is not None else list(self._functions.functions)
        ids = frozenset(query["ids"].split(",")) if "ids" in query else None
        found = [recorded for function in functions for recorded in self._functions.recorded(function)]
        found.sort(key=lambda recorded: recorded.log.started_at)
        return [recorded.describe() for recorded in found if ids is None or recorded.log.request_id in ids]

    async def _environments(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        return [asdict(environment) for environment in self._functions.environments()]

    async def _event_sources(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        return asdict(self._events.status())

    async def _memory(self, _query: dict[str, str], _body: dict[str, Any]) -> Any:
        names = {os.getpid(): "emulator"}
        names |= dict.fromkeys(self._functions.fork_server_pids(), "fork server")
        names |= dict.fromkeys(self._functions.guard_pids(), "guard of the fork server")
        names |= {
            environment.pid: f"environment of {environment.function}"
            for environment in self._functions.environments()
            if environment.pid is not None
        }
        if self._localstack_pid is not None:
            names[self._localstack_pid] = "LocalStack"
        return await asyncio.to_thread(memory, os.getpid(), names)

    def _name(self, name: str) -> str:
        return function_name(self._application, name)


def function_name(application: Application, name: str) -> str:
    """Return a function's whole name; `executor` is enough where it says which one."""
    try:
        return application.function(name).name
    except KeyError:
        return name  # the service says that there is none, and which there are
