"""The operators' commands, on a store in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streamer.cli import app
from streamer.deployment import Deployment
from streamer.store import RequestKey, RequestStore

ADA = RequestKey("acme", "ada", "r1")


@pytest.fixture
def reachable() -> Callable[[], bool]:
    """Whether those who follow a request can be told."""
    return lambda: True


@pytest.fixture
def run(
    requests: RequestStore,
    reachable: Callable[[], bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Result]:
    """Run a command against the store in memory."""
    path = Deployment(
        name="test",
        websocket_url="ws://127.0.0.1:1/local",
        management_url="http://127.0.0.1:1/local",
        region="us-east-1",
        connections_table="c",
        requests_table="r",
        subscriptions_table="s",
        counters_table="n",
        records_table="d",
        bucket="b",
        jwt_keys_secret="k",
    ).save(tmp_path / "deployment.json")
    monkeypatch.setattr("streamer.cli.requests.open_requests", lambda deployment: requests)
    monkeypatch.setattr("streamer.cli.requests.tell", lambda deployment, state: reachable())

    def run(*arguments: str) -> Result:
        environment = {"NO_COLOR": "1", "STREAMER_DEPLOYMENT": str(path)}
        return CliRunner().invoke(app, ["requests", *arguments], env=environment)

    return run


@pytest.fixture
def failed(requests: RequestStore, clock: Any) -> None:
    """One request of Ada's that failed in its second attempt, and one of Bob's that waits."""
    create(requests, ADA)
    claim = requests.claim(ADA, owner="a", lease_until=clock.time + 60)
    requests.retry(claim, due_at=clock.time, code="BUSY", message="Busy.")
    claim = requests.claim(ADA, owner="b", lease_until=clock.time + 60)
    requests.fail(claim, code="NO_DATA", message="No rows.", details=None, sequence=claim.first_sequence)
    clock.time += 1
    create(requests, RequestKey("acme", "bob", "r2"))


def create(store: RequestStore, key: RequestKey) -> None:
    store.create(
        key,
        action="noop",
        payload={"n": 1},
        correlation_id="correlation-1",
        connection_id="C1=",
        endpoint="https://localhost:1/local",
    )


@pytest.mark.usefixtures("failed")
def test_lists_everybodys_requests(run: Any) -> None:
    """The latest change comes first, with status and error code."""
    lines = run().stdout.splitlines()
    assert ["r2" in lines[1], "PENDING" in lines[1]] == [True, True]
    assert ["r1" in lines[2], "FAILED" in lines[2], "NO_DATA" in lines[2]] == [True, True, True]


def test_an_id_is_whole_where_no_terminal_is(run: Any, requests: RequestStore) -> None:
    """An id that is cut could not be given to `show`."""
    create(requests, RequestKey("acme", "ada", request_id := "0a68fdb03c1d4777" * 8))
    assert request_id in run().stdout


@pytest.mark.usefixtures("failed")
@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--status", "FAILED"), ["r1"]),
        (("--status", "failed"), ["r1"]),
        (("--status", "COMPLETED"), []),
        (("--limit", "1"), ["r2"]),
        (("--tenant", "acme", "--user", "bob"), ["r2"]),
        (("--tenant", "acme", "--user", "ada", "--status", "PENDING"), []),
    ],
    ids=lambda value: " ".join(value) or "none",
)
def test_lists_what_is_asked_for(run: Any, options: tuple[str, ...], ids: list[str]) -> None:
    """By status, by user, so many at most; as JSON."""
    assert [each["request_id"] for each in json.loads(run(*options, "--json").stdout)] == ids


@pytest.mark.usefixtures("failed")
def test_shows_a_request(run: Any) -> None:
    """Its history, and how each attempt failed."""
    shown = run("show", "r1").stdout
    for part in ("FAILED", "RETRYING", "CLAIM", "BUSY", "NO_DATA: No rows."):
        assert part in shown
    values = json.loads(run("show", "r1", "--json", "--contents").stdout)
    assert [each["event"] for each in values["history"]] == ["CREATE", "CLAIM", "RETRY", "CLAIM", "FAIL"]
    assert [each["attempt"] for each in values["failures"]] == [1, 2]
    assert values["payload"] == {"n": 1}


@pytest.mark.usefixtures("failed")
def test_replays_and_cancels(run: Any, requests: RequestStore) -> None:
    """A failed request runs again; one that waits is cancelled; one that is over stays so."""
    assert "r1 is PENDING" in run("replay", "r1").stdout
    assert "Failures before the replay" in run("show", "r1").stdout
    shown = json.loads(run("show", "r1", "--json").stdout)
    assert ([each["attempt"] for each in shown["earlier_failures"]], shown["failures"]) == ([1, 2], [])
    cancelled = run("cancel", "r1").stdout
    assert ("r1 is CANCELLED" in cancelled, "subscribed to it is told" in cancelled) == (True, True)
    assert "already" in run("cancel", "r1").stdout
    assert requests.get(ADA).status == "CANCELLED"
    result = run("replay", "r2")
    assert result.exit_code == 1
    assert "is PENDING" in result.stderr


@pytest.mark.usefixtures("failed")
@pytest.mark.parametrize("reachable", [lambda: False], ids=["unreachable"])
def test_who_cannot_be_told_is_told_by_the_sweeper(run: Any) -> None:
    """The request is cancelled all the same, and the command says who tells of it."""
    assert "told by the sweeper" in run("cancel", "r2").stdout


@pytest.mark.usefixtures("failed")
def test_an_id_that_several_users_have(run: Any, requests: RequestStore) -> None:
    """Their users must be told apart."""
    create(requests, RequestKey("acme", "bob", "r1"))
    result = run("show", "r1")
    assert (result.exit_code, "--tenant and --user" in result.stderr) == (1, True)
    assert "bob" in run("show", "r1", "--user", "bob").stdout
    assert "ada" in run("show", "r1", "--tenant", "acme", "--user", "ada").stdout


@pytest.mark.parametrize("command", ["show", "replay", "cancel"])
def test_an_id_that_nobody_has(run: Any, command: str) -> None:
    """It is said, with status 1."""
    result = run(command, "none")
    assert (result.exit_code, "no request none" in result.stderr) == (1, True)


def test_an_empty_list(run: Any) -> None:
    """There is nothing to show, and that is said."""
    assert run().stdout == "No requests.\n"


def test_a_tenant_without_a_user_is_bad_usage(run: Any) -> None:
    """A list is one user's or everybody's."""
    assert run("--tenant", "acme").exit_code == 2


def test_what_could_steer_a_terminal_is_not_printed(run: Any, requests: RequestStore, clock: Any) -> None:
    """An action's error is foreign text."""
    create(requests, ADA)
    claim = requests.claim(ADA, owner="a", lease_until=clock.time + 60)
    requests.fail(claim, code="X", message="\x1b[2J[red]bold", details=None, sequence=claim.first_sequence)
    shown = run("show", "r1").stdout
    assert "\x1b" not in shown
    assert "[red]bold" in shown
