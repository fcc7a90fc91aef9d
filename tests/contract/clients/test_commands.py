"""`python -m streamer` as a process, against a real WebSocket server and a stand-in for Secrets Manager."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from typer.testing import CliRunner
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from streamer.auth.development import generate_key_pair
from streamer.cli import app
from streamer.deployment import Deployment

DEADLINE_S = 60.0
SECRET = "streamer/development-key"


@dataclass
class Finished:
    status: int
    out: str
    err: str


Run = Callable[..., Awaitable[Finished]]


def environment(**more: str) -> dict[str, str]:
    """Return the environment without what a developer's machine may have set."""
    unwanted = ("AWS_", "STREAMER_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "200", **more}


async def start(*arguments: str, **more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streamer",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**more),
    )


async def run(*arguments: str, **more: str) -> Finished:
    process = await start(*arguments, **more)
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


class SecretsManager(ThreadingHTTPServer):
    """Answers `GetSecretValue` as AWS does, over its JSON 1.1 protocol."""

    def __init__(self, secrets: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _SecretsHandler)
        self.secrets = secrets
        self.credentials: list[str] = []


class _SecretsHandler(BaseHTTPRequestHandler):
    server: SecretsManager

    def do_POST(self) -> None:
        assert self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        self.server.credentials.append(self.headers["Authorization"])
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["SecretId"]
        if name in self.server.secrets:
            status, body = 200, {"Name": name, "SecretString": self.server.secrets[name]}
        else:
            status, body = 400, {"__type": "ResourceNotFoundException", "Message": "no such secret"}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(
        self,
        format: str,  # noqa: A002  # the standard library's name
        *arguments: object,
    ) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def keys() -> tuple[dict[str, Any], dict[str, Any]]:
    return generate_key_pair("development")


@pytest.fixture
def secrets_manager(keys: Any) -> Iterator[SecretsManager]:
    server = SecretsManager({SECRET: json.dumps(keys[0]), "text": "no key", "public": json.dumps(keys[1])})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(DEADLINE_S)


def deployment(path: Path, **fields: Any) -> str:
    values: dict[str, Any] = {
        "name": "sandbox",
        "websocket_url": "ws://127.0.0.1:1/local",
        "management_url": "http://127.0.0.1:1/local",
        "region": "us-east-1",
        "connections_table": "connections",
        "requests_table": "requests",
        "subscriptions_table": "subscriptions",
        "counters_table": "counters",
        "records_table": "records",
        "bucket": "streamer",
        "jwt_keys_secret": "streamer/jwt-keys",
        **fields,
    }
    return str(Deployment(**values).save(path / "deployment.json"))


def endpoint(server: SecretsManager) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


async def test_token_is_signed_with_the_development_key(
    secrets_manager: SecretsManager, keys: Any, tmp_path: Path
) -> None:
    """The token alone is printed; it names the user, the tenant, the permissions and its end.

    Nothing of the environment stands in the way: no credentials, another profile, a proxy.
    """
    file = deployment(
        tmp_path,
        aws_endpoint_url=endpoint(secrets_manager),
        development_key_secret=SECRET,
        jwt_audience="streamer",
        jwt_issuer="sandbox",
    )
    options = ("--user", "u", "--tenant", "t", "--permission", "a", "--permission", "b", "--expires-in", "60")
    done = await run(
        "token",
        *options,
        STREAMER_DEPLOYMENT=file,
        HTTP_PROXY="http://127.0.0.1:1",
        http_proxy="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="AKIAREAL",
        AWS_SECRET_ACCESS_KEY="real",
        AWS_PROFILE="nobody",
        AWS_CONFIG_FILE=str(tmp_path / "no-config"),
    )
    assert (done.status, done.err) == (0, "")
    key = jwt.PyJWK(keys[1]["keys"][0]).key
    claims = jwt.decode(done.out.strip(), key, algorithms=["RS256"], audience="streamer", issuer="sandbox")
    assert (claims["sub"], claims["tenant_id"], claims["permissions"]) == ("u", "t", ["a", "b"])
    assert claims["exp"] - claims["iat"] == 60
    assert ["Credential=test/" in each for each in secrets_manager.credentials] == [True]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"development_key_secret": None}, "has no development key"),
        ({"development_key_secret": "absent"}, "cannot be read (ResourceNotFoundException)"),
        ({"development_key_secret": "text"}, "holds no private JSON Web Key"),
        ({"development_key_secret": "public"}, "holds no private JSON Web Key"),
        ({"development_key_secret": SECRET, "aws_endpoint_url": "http://127.0.0.1:1"}, "does not answer"),
    ],
    ids=["none", "absent", "text", "public", "no back end"],
)
async def test_missing_key_is_told(
    secrets_manager: SecretsManager, tmp_path: Path, fields: dict[str, Any], sentence: str
) -> None:
    """Without a usable key there is one sentence about it, status 1, and nothing on standard output."""
    file = deployment(tmp_path, **{"aws_endpoint_url": endpoint(secrets_manager), **fields})
    done = await asyncio.to_thread(
        CliRunner().invoke, app, ["token", "--user", "u", "--tenant", "t", "--deployment", file]
    )
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence in done.stderr


async def test_call_takes_token_and_address_from_the_deployment(
    serve: Any, application: Any, secrets_manager: SecretsManager, keys: Any, tmp_path: Path
) -> None:
    """`call echo` needs nothing but a running deployment, and prints the data as JSON."""
    seen: list[str] = []

    def look(connection: ServerConnection, request: Request) -> None:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))

    file = deployment(
        tmp_path,
        websocket_url=await serve(application, process_request=look),
        aws_endpoint_url=endpoint(secrets_manager),
        development_key_secret=SECRET,
    )
    done = await run("call", "echo", '{"message": "hallo, Welt ✓"}', "--deployment", file)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == {"message": "hallo, Welt ✓"}
    claims = jwt.decode(seen[0], jwt.PyJWK(keys[1]["keys"][0]).key, algorithms=["RS256"])
    assert (claims["sub"], claims["tenant_id"]) == ("demo", "demo")


async def test_call_shows_acknowledgment_progress_and_result(serve: Any, application: Any) -> None:
    """Long work is followed on standard error; its result alone is on standard output."""
    url = await serve(application)
    done = await run("call", "generate_report", "--url", url, "--token", "t", "--id", "r1")
    assert done.status == 0
    assert json.loads(done.out) == {"rows": 50_000}
    assert done.err.splitlines() == [
        "generate_report acknowledged: PENDING, id r1",
        " 25.0 %  Row 1",
        " 50.0 %  Row 2",
        " 75.0 %  Row 3",
        "100.0 %  Row 4",
    ]


async def test_call_with_json_prints_every_message(serve: Any, application: Any) -> None:
    """With --json every message is a line of JSON, and nothing else is printed."""
    url = await serve(application)
    done = await run("call", "generate_report", "--json", STREAMER_URL=url, STREAMER_TOKEN="t")
    assert (done.status, done.err) == (0, "")
    messages = [json.loads(line) for line in done.out.splitlines()]
    assert [each["type"] for each in messages] == ["acknowledgment", *["progress"] * 4, "complete"]
    assert messages[-1]["result"] == {"rows": 50_000}


@pytest.mark.parametrize("extra", [(), ("--json",)])
async def test_error_outcome_is_status_1(serve: Any, application: Any, extra: tuple[str, ...]) -> None:
    """A request that fails ends the command with status 1 and the server's sentence."""
    url = await serve(application)
    done = await run("call", "nonsense", "--url", url, "--token", "t", *extra)
    assert done.status == 1
    assert "nonsense failed with INVALID_ACTION: It did not work." in done.err
    assert bool(done.out) == bool(extra)


async def test_server_cannot_steer_the_terminal(serve: Any, player: Any) -> None:
    """Control characters and markup in a server's text are shown as text."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        request_id = (await hands.request())["id"]
        await hands.acknowledge(request_id)
        await hands.send(
            "progress", request_id, sequence=1, attempt=1, percentage=1, message="[red]\x1b[31mx\r\n[/]"
        )
        error = {"code": "X", "message": "\x1b]0;owned\x07"}
        await hands.send("error", request_id, sequence=2, success=False, error=error)
        await connection.wait_closed()

    done = await run("call", "generate_report", "--url", await serve(script), "--token", "t")
    assert done.status == 1
    assert "[red] [31mx  [/]" in done.err
    assert "\x1b" not in done.err + done.out
    assert "\x07" not in done.err + done.out


async def test_refused_connection_is_status_1(serve: Any, application: Any) -> None:
    """A refused handshake ends with status 1 and says what to do; the token is not in it."""

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return Response(401, "No", Headers({"Content-Length": "0"}), b"")

    url = await serve(application, process_request=refuse)
    done = await run("call", "echo", "--url", url, "--token", "s3cret")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "The server refused the connection with 401 (UNAUTHORIZED): get a new token and connect again.\n"
    )


async def test_timeout_is_status_1(serve: Any, application: Any) -> None:
    """--timeout bounds the wait for the outcome."""
    url = await serve(application)
    done = await run("call", "silence", "--url", url, "--token", "t", "--timeout", "0.1")
    assert done.status == 1
    assert "given up after 0.1 s" in done.err


async def test_interrupt_closes_the_connection_and_says_how_to_go_on(serve: Any, player: Any) -> None:
    """Ctrl-C ends with status 130, a clean close, and one sentence without a traceback."""
    running = asyncio.Event()
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        await hands.acknowledge((await hands.request())["id"])
        running.set()
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    url = await serve(script)
    process = await start("call", "generate_report", "--url", url, "--token", "t", "--id", "r1")
    assert process.stderr is not None
    await asyncio.wait_for(running.wait(), DEADLINE_S)
    acknowledged = await asyncio.wait_for(process.stderr.readline(), DEADLINE_S)
    assert b"acknowledged" in acknowledged
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode == 130
    assert err.decode() == "Stopped waiting; what was acknowledged goes on: ask after it with --id r1.\n"
    assert await asyncio.wait_for(codes.get(), DEADLINE_S) == 1000


async def test_call_survives_a_cut_connection(backend_url: str, backend: Any) -> None:
    """What was acknowledged is followed on a new connection, as if nothing had happened."""
    process = await start("call", "generate_report", "--url", backend_url, "--token", "t", "--id", "r1")
    await backend.until(lambda: "r1" in backend.messages)
    assert process.stderr is not None
    assert b"acknowledged" in await asyncio.wait_for(process.stderr.readline(), DEADLINE_S)
    backend.cut()
    await backend.until(lambda: "subscribe" in backend.asked)
    await backend.progress("r1", 1)
    await backend.complete("r1", 2, {"rows": 3})
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert (process.returncode, json.loads(out)) == (0, {"rows": 3})
    assert err.decode().count("Row") == 1


async def test_reader_that_goes_away_is_no_fault(serve: Any, player: Any) -> None:
    """`call --json | head -1` ends without noise."""
    go_on = asyncio.Event()

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        request_id = (await hands.request())["id"]
        await hands.acknowledge(request_id)
        await go_on.wait()
        await hands.progress(request_id, 1)
        await hands.complete(request_id, 2, "done")
        await connection.wait_closed()

    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streamer", "call", "generate_report", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=write,
        stderr=asyncio.subprocess.PIPE,
        env=environment(STREAMER_URL=await serve(script), STREAMER_TOKEN="t"),
    )
    os.close(write)
    assert b"acknowledgment" in await asyncio.to_thread(os.read, read, 65_536)
    os.close(read)
    go_on.set()
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert (process.returncode, err.decode()) == (0, "")
