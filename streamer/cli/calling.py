"""A token for the running deployment, a request to it, and the protocol that both speak."""

import asyncio
import json
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from streamer.cli.console import DeploymentFile, give_up, printable
from streamer.clients.python import (
    ClientError,
    Incoming,
    Reconnection,
    RequestFailed,
    RequestHandle,
    connect,
)
from streamer.clients.python.client import OUTCOME_S
from streamer.clock import SystemClock
from streamer.deployment import Deployment
from streamer.errors import InvalidDeployment, StreamerError
from streamer.protocol import Acknowledgment

TOKEN_VARIABLE = "STREAMER_TOKEN"  # noqa: S105  # a variable's name
URL_VARIABLE = "STREAMER_URL"

GIVE_UP_AFTER_S = 60.0
"""Seconds without a connection after which a call ends. Ours: somebody sits before it."""

Permissions = Annotated[
    list[str] | None, typer.Option("--permission", metavar="PERMISSION", help="May be given several times.")
]
ExpiresIn = Annotated[
    float,
    typer.Option("--expires-in", metavar="SECONDS", help="How long it is good for; below 0: it has ended."),
]


def token(
    user: Annotated[str, typer.Option(help="Who the token is for.")],
    tenant: Annotated[str, typer.Option(help="Whose user that is.")],
    permission: Permissions = None,
    expires_in: ExpiresIn = 3600.0,
    deployment: DeploymentFile = None,
) -> None:
    """Print a token that the deployment accepts, signed with its development key."""
    try:
        typer.echo(_issue(Deployment.load(deployment), user, tenant, permission or (), expires_in))
    except StreamerError as error:
        give_up(str(error))


def schema() -> None:
    """Print the protocol as JSON Schema."""
    from streamer.protocol.schema import written

    typer.echo(written(), nl=False)


def call(
    action: Annotated[str, typer.Argument(help="What to do, such as echo.")],
    payload: Annotated[str, typer.Argument(metavar="[JSON]", help="Its payload, a JSON object.")] = "{}",
    user: Annotated[str, typer.Option(help="Who asks, where no token is given.")] = "demo",
    tenant: Annotated[str, typer.Option(help="Whose user that is.")] = "demo",
    permission: Permissions = None,
    token: Annotated[
        str | None, typer.Option(envvar=TOKEN_VARIABLE, help="A token to use instead of a new one.")
    ] = None,
    url: Annotated[str | None, typer.Option(envvar=URL_VARIABLE, help="Another WebSocket address.")] = None,
    request_id: Annotated[
        str | None, typer.Option("--id", help="The request's id; the same again asks after long work.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.001, help="How long to wait for the outcome.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each message as a line of JSON.")] = False,
    deployment: DeploymentFile = None,
) -> None:
    """Send a request and show its acknowledgment, progress and outcome."""
    body = _parse_payload(payload)
    console = Console(stderr=True, highlight=False)
    try:
        found = None if url and token is not None else Deployment.load(deployment)
        target = _Target(
            url=url or (found.websocket_url if found else ""),
            token=(lambda: token or "")
            if token is not None or found is None
            else (lambda: _issue(found, user, tenant, permission or (), 3600.0)),
            ca_bundle=found.ca_bundle if found else None,
        )
    except StreamerError as error:
        give_up(str(error))
    request = _Call(action, body, request_id, timeout)
    try:
        result = asyncio.run(_perform(target, request, None if as_json else console))
    except KeyboardInterrupt:
        hint = f": ask after it with --id {request.sent_id}" if request.sent_id else ""
        console.print(f"Stopped waiting; what was acknowledged goes on{hint}.", markup=False)
        raise typer.Exit(130) from None
    except RequestFailed as error:
        if error.details and not as_json:
            console.print_json(data=error.details)
        give_up(str(error))
    except (ClientError, StreamerError) as error:
        give_up(str(error))
    if not as_json:
        _show(result)


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    token: Callable[[], str]
    ca_bundle: str | None


@dataclass(slots=True)
class _Call:
    action: str
    payload: dict[str, Any]
    id: str | None
    timeout_s: float | None
    sent_id: str | None = None


async def _perform(target: _Target, call: _Call, console: Console | None) -> Any:
    """Send the request and wait; `console` is None where each message is printed as it comes."""
    async with connect(
        target.url,
        token_provider=target.token,
        reconnect=Reconnection(give_up_after_s=GIVE_UP_AFTER_S),
        ssl=_trust(target),
        on_message=_print_line if console is None else None,
    ) as client:
        handle = client.request(
            call.action,
            call.payload,
            id=call.id,
            outcome_deadline_s=call.timeout_s or OUTCOME_S,
        )
        call.sent_id = handle.request_id
        if console is not None:
            await _follow(handle, console)
        return await handle


async def _follow(handle: RequestHandle, console: Console) -> None:
    first = await handle.acknowledgment()
    if isinstance(first, Acknowledgment):
        console.print(f"{handle.action} acknowledged: {first.status}, id {handle.request_id}", markup=False)
    with ExitStack() as stack:
        bar: Progress | None = None
        async for progress in handle:
            if not console.is_terminal:
                console.print(
                    f"{progress.percentage:5.1f} %  {printable(progress.message)}",
                    markup=False,
                    soft_wrap=True,
                )
                continue
            if bar is None:
                bar = stack.enter_context(_bar(console))
                bar.add_task("", total=100)
            bar.update(
                bar.task_ids[0], completed=progress.percentage, description=printable(progress.message)
            )


def _bar(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
    )


def _parse_payload(text: str) -> dict[str, Any]:
    """Read the command's JSON argument."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f"The payload is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            param_hint="JSON",
        ) from error
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"The payload is not JSON: {error}.", param_hint="JSON") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(
            """The payload must be a JSON object, such as '{"message": "hi"}'.""", param_hint="JSON"
        )
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number there")


def _trust(target: _Target) -> ssl.SSLContext | None:
    if target.ca_bundle is None or not target.url.startswith("wss:"):
        return None
    try:
        return ssl.create_default_context(cafile=target.ca_bundle)
    except OSError as error:
        raise InvalidDeployment(
            f"The certificates in {target.ca_bundle} cannot be read: start the application again."
        ) from error


def _issue(
    deployment: Deployment, user: str, tenant: str, permissions: Sequence[str], expires_in_s: float
) -> str:
    from streamer.development_key import issue_development_token  # 0.2 s; a call with a token needs it not

    return issue_development_token(
        deployment,
        user_id=user,
        tenant_id=tenant,
        permissions=permissions,
        expires_in_s=expires_in_s,
        now=SystemClock().now() + deployment.clock_offset_s,
    )


def _print_line(message: Incoming, at: float) -> None:
    with suppress(BrokenPipeError):  # whoever read has gone, as `head` does: the request goes on in silence
        typer.echo(msgspec.json.encode(message))


def _show(result: Any) -> None:
    if sys.stdout.isatty():
        Console().print_json(data=result)
    else:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
