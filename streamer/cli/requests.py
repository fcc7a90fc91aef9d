"""For operators: the long requests of a deployment. The rights are those of the caller's AWS credentials."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from streamer.cli.backend import open_requests, tell
from streamer.cli.console import DeploymentFile, give_up, printable
from streamer.cli.request_tables import as_json, show_details, show_list
from streamer.deployment import Deployment
from streamer.dynamorm import DynamormError
from streamer.errors import StreamerError
from streamer.lifecycle import TERMINAL, Status
from streamer.store import RequestKey, RequestState, RequestStore

Tenant = Annotated[str | None, typer.Option(help="Whose user it is.")]
User = Annotated[str | None, typer.Option(help="Whose request it is.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(help="Look at long requests, run failed ones again, cancel.", invoke_without_command=True)


@app.callback()
def list_requests(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only these.", case_sensitive=False)] = None,
    tenant: Tenant = None,
    user: User = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    json_form: Json = False,
    deployment: DeploymentFile = None,
) -> None:
    """List requests: one user's, newest first, or everybody's, the latest changes first."""
    if context.invoked_subcommand is not None:
        return
    if (tenant is None) != (user is None):
        raise typer.BadParameter("Name a tenant and a user of it, or neither.", param_hint="--tenant --user")
    with _told():
        store = open_requests(Deployment.load(deployment))
        if tenant is not None and user is not None:
            states = store.list_for_user(tenant, user, limit=limit, status=status).states
        else:
            states = tuple(store.list_all(limit=limit, status=status))
    if json_form:
        _print([as_json(state) for state in states])
    else:
        show_list(states)


@app.command()
def show(
    request_id: Id,
    tenant: Tenant = None,
    user: User = None,
    contents: Annotated[
        bool, typer.Option("--contents", help="Show also what was asked and answered.")
    ] = False,
    json_form: Json = False,
    deployment: DeploymentFile = None,
) -> None:
    """Show one request: where it stands, its history, and how its attempts failed."""
    with _told():
        store = open_requests(Deployment.load(deployment))
        state = _find(store, request_id, tenant, user)
        inside = _contents(store, state) if contents else {}
    if json_form:
        _print({**as_json(state, whole=True), **inside})
    else:
        show_details(state)
        if inside:
            _print(inside)


@app.command()
def replay(
    request_id: Id,
    tenant: Tenant = None,
    user: User = None,
    json_form: Json = False,
    deployment: DeploymentFile = None,
) -> None:
    """Let a FAILED or CANCELLED request run again from its beginning."""
    with _told():
        store = open_requests(Deployment.load(deployment))
        state = store.replay(_find(store, request_id, tenant, user).key)
    _say(state, json_form, "It runs again; whoever is subscribed to it is told.")


@app.command()
def cancel(
    request_id: Id,
    tenant: Tenant = None,
    user: User = None,
    json_form: Json = False,
    deployment: DeploymentFile = None,
) -> None:
    """Cancel a request: one that waits at once, one that runs when it next reports."""
    with _told():
        found = Deployment.load(deployment)
        store = open_requests(found)
        before = _find(store, request_id, tenant, user)
        state = store.cancel(before.key)
        told = state.status is Status.CANCELLED and state.undelivered and tell(found, state)
    if before.status in TERMINAL:
        sentence = f"It was {before.status} already; nothing is changed."
    elif told:
        sentence = "Whoever is subscribed to it is told."
    elif state.status in TERMINAL:
        sentence = "Who could not be told now is told by the sweeper."
    else:
        sentence = "The request is running: it ends when it next reports."
    _say(state, json_form, sentence)


def _find(store: RequestStore, request_id: str, tenant: str | None, user: str | None) -> RequestState:
    if tenant is not None and user is not None:
        return store.get(RequestKey(tenant, user, request_id))
    found = [
        state
        for state in store.find_by_id(request_id)
        if tenant in (None, state.tenant_id) and user in (None, state.user_id)
    ]
    if not found:
        give_up(f"There is no request {request_id}; it may have expired.")
    if len(found) > 1:
        give_up(f"{len(found)} users have a request {request_id}; name one with --tenant and --user.")
    return found[0]


def _contents(store: RequestStore, state: RequestState) -> dict[str, Any]:
    sent = store.get_sent(state.key)
    inside: dict[str, Any] = {"payload": sent.payload}
    if sent.metadata:
        inside["metadata"] = sent.metadata
    if state.status is Status.COMPLETED:
        inside["result"] = store.get_result(state.key)
    checkpoint = store.find_checkpoint(state.key)
    return inside if checkpoint is None else {**inside, "checkpoint": checkpoint.state}


@contextmanager
def _told() -> Iterator[None]:
    """Turn what can go wrong into a sentence."""
    try:
        yield
    except StreamerError as error:
        give_up(str(error))
    except DynamormError as error:
        give_up(f"The tables cannot be read: {error}")
    except Exception as error:
        from botocore.exceptions import BotoCoreError, ClientError  # 0.1 s that `call` need not spend

        if not isinstance(error, BotoCoreError | ClientError):
            raise
        give_up(f"AWS cannot be asked ({type(error).__name__}): check the credentials and the deployment.")


def _say(state: RequestState, json_form: bool, sentence: str) -> None:
    if json_form:
        _print(as_json(state))
    else:
        typer.echo(printable(f"{state.request_id} is {state.status}. {sentence}"))


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
