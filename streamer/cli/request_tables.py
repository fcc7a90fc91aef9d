"""Requests as tables to read and as values to print."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from streamer.cli.console import printable
from streamer.clock import timestamp
from streamer.store import Failure, RequestState, details_of, history_of

UNLIMITED_WIDTH = 10_000
"""Columns where no terminal has fewer: what a program or a file gets is neither cut nor wrapped."""


def as_json(state: RequestState, *, whole: bool = False) -> dict[str, Any]:
    """Return a request as JSON values, times as the protocol writes them.

    Args:
        whole: with its history and its failures.
    """
    values: dict[str, Any] = {
        "request_id": state.request_id,
        "tenant_id": state.tenant_id,
        "user_id": state.user_id,
        "action": state.action,
        "status": state.status.value,
        "attempt": state.attempt,
        "percentage": state.percentage,
        "message": state.message,
        "created_at": _time(state.created_at),
        "updated_at": _time(state.updated_at),
        "finished_at": _time(state.finished_at),
        "due_at": _time(state.due_at),
        "continuations": state.continuations,
        "cancel_requested": state.cancel_requested,
        "undelivered": state.undelivered,
        "correlation_id": state.correlation_id,
        "error": None if state.error is None else _error(state.error),
    }
    if whole:
        values["history"] = [
            {"at": _time(each.at), "event": each.event, "status": each.status.value, "attempt": each.attempt}
            for each in history_of(state)
        ]
        values["failures"] = _failures(state.failures)
        values["earlier_failures"] = _failures(state.earlier_failures)
    return values


def show_list(states: Sequence[RequestState]) -> None:
    """Print a table of requests."""
    names = ("Tenant", "User", "Action", "Status", "Attempt", "Changed", "Error")
    columns = [Column("Request", no_wrap=True), *(Column(name, overflow="fold") for name in names)]
    table = Table(*columns, box=None)
    for state in states:
        code = "" if state.error is None else str(state.error.get("code", ""))
        table.add_row(
            *map(
                printable,
                (
                    state.request_id,
                    state.tenant_id,
                    state.user_id,
                    state.action,
                    state.status.value,
                    str(state.attempt),
                    timestamp(state.updated_at),
                    code,
                ),
            )
        )
    _console().print(table if states else "No requests.")


def show_details(state: RequestState) -> None:
    """Print one request with its history and its failures."""
    console = _console()
    facts = Table(box=None, show_header=False)
    for name, value in _told(as_json(state)).items():
        facts.add_row(name, printable(value))
    console.print(facts)
    history = Table("At", "Event", "Status", "Attempt", box=None, title="History", title_justify="left")
    for entry in history_of(state):
        history.add_row(timestamp(entry.at), entry.event, entry.status.value, str(entry.attempt))
    console.print(history)
    _show_failures(console, "Failures before the replay", state.earlier_failures)
    _show_failures(console, "Failures", state.failures)


def _show_failures(console: Console, title: str, failures: Sequence[Failure]) -> None:
    if not failures:
        return
    columns = [Column(name, overflow="fold") for name in ("At", "Attempt", "Code", "Message")]
    table = Table(*columns, box=None, title=title, title_justify="left")
    for failure in failures:
        row = (timestamp(failure.at), str(failure.attempt), failure.code, failure.message)
        table.add_row(*map(printable, row))
    console.print(table)


def _failures(failures: Sequence[Failure]) -> list[dict[str, Any]]:
    return [
        {"at": _time(each.at), "attempt": each.attempt, "code": each.code, "message": each.message}
        for each in failures
    ]


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    details = details_of(error)
    return {**error, "details": details} if details else dict(error)


def _told(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what there is to say, as text."""
    told = {name: value for name, value in values.items() if value not in (None, False)}
    if isinstance(error := told.get("error"), dict):
        told["error"] = f"{error.get('code')}: {error.get('message')}"
    return {name: str(value) for name, value in told.items()}


def _time(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else timestamp(epoch_s)


def _console() -> Console:
    width = None if sys.stdout.isatty() else UNLIMITED_WIDTH
    return Console(markup=False, highlight=False, soft_wrap=True, width=width)
