"""What the commands that change something read, say and end with."""

import json
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from emulator.cli import app, experiments, looking
from emulator.cli.experiments import duration_s
from emulator.cli.tables import faults_table, schedules_table
from emulator.errors import EmulatorError
from emulator.faults import KINDS, FaultKind

RUNNER = CliRunner()
FAULT = {
    "id": "fault-1",
    "kind": "slow-backend-call",
    "where": {"service": "dynamodb"},
    "probability": 1.0,
    "times": None,
    "skip": 0,
    "delay_s": 0.2,
    "code": "",
    "seed": 0,
    "struck": 3,
}

OWN_TIME = {"now": "2026-01-01T00:00:01.000Z", "offset_s": 1.0, "backend_follows": False}


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answers of a running sandbox, `{path: answer}`."""
    answers: dict[str, Any] = {}
    for module in (experiments, looking):
        monkeypatch.setattr(module, "ask", lambda path, **_query: answers[path])
    monkeypatch.setattr(experiments, "tell", lambda path, **_body: answers[path])
    return answers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5_400), ("1.5d", 129_600), ("200ms", 0.2)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """A number is seconds; units may follow each other."""
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "10 m", "10m5", "m", "1e3", "--5m"])
def test_what_is_no_duration_is_told_every_unit(text: str) -> None:
    """The sentence shows how to write one, milliseconds and days included."""
    with pytest.raises(typer.BadParameter, match="write 200ms, 90s, 10m, 1h30m or 2d"):
        duration_s(text)


@pytest.mark.parametrize("text", ["-5m", "-90", "-1h30m"])
def test_time_only_goes_forward(text: str) -> None:
    """A negative duration is no unknown option but has a sentence of its own."""
    shown = RUNNER.invoke(app, ["clock", "advance", text])
    assert shown.exit_code == 2
    assert "Time only goes forward" in shown.output


def test_a_fault_is_limited_once_by_each_name(sandbox: dict[str, Any]) -> None:
    """A second value would silently replace the first one."""
    where = ["--where", "function=a", "--where", "function=b"]
    shown = RUNNER.invoke(app, ["fault", "add", "kill-environment", *where])
    assert shown.exit_code == 2
    assert "given twice" in shown.output


def test_every_kind_of_fault_is_explained() -> None:
    """What it does, what limits it, and what it needs."""
    shown = RUNNER.invoke(app, ["fault", "kinds"])
    words = " ".join(shown.output.split())
    assert set(KINDS) == set(FaultKind)
    for kind, known in KINDS.items():
        assert f"{kind}: {known.does}" in words
    assert "--delay (needed)" in words
    assert "--code (optional)" in words


@pytest.mark.parametrize(
    ("path", "answer", "arguments", "says"),
    [
        ("/environments/kill", None, ["kill", "executor"], "executor has no environment"),
        ("/connections/cut", False, ["cut", "C1"], "no open connection C1"),
        ("/timeline", [], ["timeline", "nobody"], "Nothing is known of 'nobody'"),
    ],
    ids=["kill", "cut", "timeline"],
)
def test_what_is_not_there_is_an_error(
    sandbox: dict[str, Any], path: str, answer: Any, arguments: list[str], says: str
) -> None:
    """A script sees by the exit status that nothing was done, or nothing found."""
    sandbox[path] = answer
    shown = RUNNER.invoke(app, arguments)
    assert shown.exit_code == 1
    assert isinstance(shown.exception, EmulatorError)
    assert says in str(shown.exception)


@pytest.mark.parametrize(
    ("path", "answer", "arguments", "says"),
    [
        ("/faults/remove", {}, ["fault", "remove", "fault-1"], "fault-1 is taken back."),
        ("/faults/clear", {"cleared": 2}, ["fault", "clear"], "2 faults taken back."),
        ("/faults/clear", {"cleared": 0}, ["fault", "clear"], "No faults were declared."),
        ("/schedules/fire", {"name": "a-sweep"}, ["schedule", "fire", "sweep"], "a-sweep has fired."),
        ("/schedules/enable", {"name": "a-sweep"}, ["schedule", "enable", "sweep"], "a-sweep is enabled."),
        ("/schedules/enable", {"name": "a-sweep"}, ["schedule", "disable", "sweep"], "a-sweep is disabled."),
        ("/environments/kill", 7, ["kill", "executor"], "Killed process 7."),
        ("/connections/cut", True, ["cut", "C1"], "Cut."),
    ],
    ids=["remove", "clear", "clear-none", "fire", "enable", "disable", "kill", "cut"],
)
def test_what_was_done_is_said(
    sandbox: dict[str, Any], path: str, answer: Any, arguments: list[str], says: str
) -> None:
    """Each command that changes something ends with a sentence."""
    sandbox[path] = answer
    shown = RUNNER.invoke(app, arguments)
    assert (shown.exit_code, says in shown.output) == (0, True)


@pytest.mark.parametrize(
    ("path", "answer", "arguments", "says"),
    [
        ("/faults", [], ["fault", "list"], "No faults are declared."),
        ("/faults", [FAULT], ["fault", "list", "--json"], json.dumps([FAULT])),
        ("/events", {"schedules": []}, ["schedule", "list"], "The application has no schedules."),
        ("/events", {"schedules": [1]}, ["schedule", "list", "--json"], "[1]"),
        ("/clock/advance", OWN_TIME, ["clock", "advance", "1s"], "The back end keeps its own time"),
    ],
    ids=["no faults", "faults as JSON", "no schedules", "schedules as JSON", "a back end of another"],
)
def test_what_there_is_is_shown(
    sandbox: dict[str, Any], path: str, answer: Any, arguments: list[str], says: str
) -> None:
    """A list is a table, a sentence where it is empty, or JSON for a program."""
    sandbox[path] = answer
    shown = RUNNER.invoke(app, arguments)
    assert (shown.exit_code, says in shown.output) == (0, True)


def test_status_shows_what_steers_the_sandbox(
    sandbox: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock's offset, connections by id, schedules and faults stand beside environments and memory."""
    monkeypatch.setattr(looking.states, "get", lambda path: type("State", (), {"addresses": None})())
    monkeypatch.setattr(looking, "address_lines", lambda addresses: [])
    schedule = {"name": "a-sweep", "function": "a-f", "expression": "rate(1 minute)", "is_enabled": True}
    sandbox |= {
        "/clock": {"now": "2026-01-01T00:00:00.000Z", "offset_s": 7_200.0, "backend_follows": True},
        "/environments": [],
        "/overview": {"connections": [{"connection_id": "C1=", "connected_at": 1.0, "last_active_at": 2.0}]},
        "/events": {"schedules": [{**schedule, "next_due_in_s": 30.0}]},
        "/faults": [FAULT],
        "/memory": [],
    }
    shown = RUNNER.invoke(app, ["status"])
    assert shown.exit_code == 0, shown.exception
    told = " ".join(shown.output.split())
    for word in ("7200 s ahead of this machine (2 h)", "C1=", "a-sweep", "in 30.00 s", "fault-1"):
        assert word in told


def cells(table: Any) -> str:
    """Return a table as it is printed."""
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_a_table_of_faults_has_the_numbers_that_were_chosen() -> None:
    """Columns in which every fault has the default are left out."""
    told = cells(faults_table([FAULT]))
    assert all(word in told for word in ("200 ms", "for ever", "service=dynamodb"))
    assert "probability" not in told
    chosen = {**FAULT, "probability": 0.2, "seed": 7, "skip": 2, "code": "503"}
    told = cells(faults_table([FAULT, chosen]))
    assert all(word in told for word in ("probability", "0.2", "seed", "skip", "503"))


def test_a_schedule_that_does_not_fire_has_no_time() -> None:
    """One that is disabled says so, and one that is over never fires."""
    schedule = {"name": "s", "function": "f", "expression": "rate(1 hour)", "next_due_in_s": None}
    assert "disabled" in cells(schedules_table([{**schedule, "is_enabled": False}]))
    assert "never" in cells(schedules_table([{**schedule, "is_enabled": True}]))
