"""One sandbox for the whole run, and what the stories here need to look at it from outside."""

import asyncio
import inspect
import json
import os
import socket
import subprocess
import sys
import time
import tomllib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
import websockets
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from websockets.asyncio.client import ClientConnection

from emulator import Sandbox, virtual_environment
from emulator.localstack import environment as localstack_environment
from tests.ports import free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

DEADLINE_S = 20.0
"""Until something that is waited for counts as never happening. Less than the 30 s after which the sweeper
would look again by itself, so that no test passes for that reason."""

PROCESS_S = 100.0
"""Until a program that was started counts as hanging. On a busy machine it takes ten times as long."""


# The back end: LocalStack, or MiniStack where STREAMER_TEST_BACKEND says so


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On MiniStack the tests of the list of gaps must fail; one that does not any more fails."""
    if os.environ.get("STREAMER_TEST_BACKEND") != "ministack":
        return
    gaps = tomllib.loads((HERE / "ministack-gaps.toml").read_text())
    for item in items:
        if item.path.parent == HERE and (reason := gaps.get(item.path.name, {}).get(item.name)):
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason))


@pytest.fixture(scope="session")
def sandbox_aws_endpoint(request: pytest.FixtureRequest) -> str | None:
    """None for LocalStack; `--sandbox-aws-endpoint` or STREAMER_TEST_BACKEND=ministack name another."""
    endpoint: str | None = request.config.getoption("--sandbox-aws-endpoint")
    if endpoint is None and os.environ.get("STREAMER_TEST_BACKEND") == "ministack":
        return str(request.getfixturevalue("ministack"))
    return endpoint


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MiniStack on loopback, from an environment of its own."""
    folder = tmp_path_factory.mktemp("ministack")
    try:
        python = virtual_environment.make(
            localstack_environment.home() / "ministack",
            ROOT / "scripts" / "parity_harness" / "ministack.lock",
            report=lambda _: None,
        )
    except virtual_environment.EnvironmentFailed as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"MiniStack's environment could not be made: {error}")
    port = free_port()
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",  # else it binds every interface
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([python, "-m", "ministack"], env=surroundings, stdout=log, stderr=log)
    try:
        _wait_until_it_listens(process, port, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PROCESS_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)


@pytest.fixture(scope="session")
def sandbox_options() -> dict[str, Any]:
    """The actions for tests are offered beside those that ship."""
    return {"action_modules": ["streamer.testing"]}


class Eventually(Protocol):
    async def __call__(self, check: Callable[[], Any], *, within_s: float = DEADLINE_S) -> Any: ...


async def _eventually(check: Callable[[], Any], *, within_s: float = DEADLINE_S) -> Any:
    found: Any = None
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                found = check()
                if inspect.isawaitable(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.02)
    raise AssertionError(f"It did not happen within {within_s:g} s; the last that was seen is {found!r}.")


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Wait until `check()` gives something true, which is returned; `check` may be a coroutine function."""
    return _eventually


# Users and what is stored of them


@dataclass(frozen=True)
class Person:
    """A user whom no other test has."""

    user: str
    tenant: str


@pytest.fixture
def new_person() -> Callable[[], Person]:
    """Make a user of a tenant that no other test has."""
    return lambda: Person(f"user-{uuid.uuid4().hex[:8]}", f"tenant-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def person(new_person: Callable[[], Person]) -> Person:
    return new_person()


class Table:
    """A table's items as plain values, read consistently."""

    def __init__(self, dynamodb: Any, name: str) -> None:
        self._dynamodb = dynamodb
        self.name = name

    async def group(self, pk: str) -> dict[str, dict[str, Any]]:
        """Return the items of one partition by their sort key (`""` where the table has none)."""
        page = await asyncio.to_thread(
            self._dynamodb.query,
            TableName=self.name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return {item.get("sk", ""): item for item in map(_plain, page["Items"])}

    async def all(self) -> list[dict[str, Any]]:
        page = await asyncio.to_thread(self._dynamodb.scan, TableName=self.name, ConsistentRead=True)
        assert "LastEvaluatedKey" not in page
        return [_plain(item) for item in page["Items"]]

    async def set(self, pk: str, sk: str, **values: Any) -> None:
        """Set attributes of an item that exists."""
        plain = {
            name: Decimal(str(value)) if isinstance(value, float) else value for name, value in values.items()
        }
        await asyncio.to_thread(
            self._dynamodb.update_item,
            TableName=self.name,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={
                f":{name}": TypeSerializer().serialize(value) for name, value in plain.items()
            },
        )


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    deserialize = TypeDeserializer().deserialize
    return {name: _number(deserialize(value)) for name, value in item.items()}


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


class Stored:
    """What the deployment in a sandbox has stored."""

    def __init__(self, sandbox: Sandbox, deployment: str = "streamer") -> None:
        dynamodb = sandbox.boto3("dynamodb")
        self.requests = Table(dynamodb, f"{deployment}-requests")
        self.connections = Table(dynamodb, f"{deployment}-connections")
        self.subscriptions = Table(dynamodb, f"{deployment}-subscriptions")

    @staticmethod
    def pk(person: Person, request_id: str) -> str:
        """The partition key of a request, as the design writes it."""
        return f"REQUEST#{person.tenant}#{person.user}#{request_id}"

    async def request(self, person: Person, request_id: str) -> dict[str, dict[str, Any]]:
        """Return a request's items by sort key."""
        return await self.requests.group(self.pk(person, request_id))

    async def state(self, person: Person, request_id: str) -> dict[str, Any]:
        """Return a request's STATE item, `{}` where there is none."""
        return (await self.request(person, request_id)).get("STATE", {})

    async def connections_of(self, person: Person) -> list[dict[str, Any]]:
        return [item for item in await self.connections.all() if item["user_id"] == person.user]

    async def subscriptions_of(self, person: Person) -> list[dict[str, Any]]:
        return [item for item in await self.subscriptions.all() if item["user_id"] == person.user]


@pytest.fixture
def stored(sandbox: Sandbox) -> Stored:
    return Stored(sandbox)


# Bare sockets


class Wire:
    """A bare WebSocket connection: what is sent is what is on the wire.

    Attributes:
        messages: every frame that came, read as JSON, in order.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: list[dict[str, Any]] = []

    async def send(self, message: Any) -> None:
        """Send an object as JSON, a string as it is, or bytes as a binary frame."""
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(DEADLINE_S):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        self.messages.append(message)
        return message

    async def ask(self, message: Any) -> dict[str, Any]:
        """Send and return what comes next."""
        await self.send(message)
        return await self.receive()

    async def until(self, **fields: Any) -> dict[str, Any]:
        """Receive until a message has these fields; return it."""
        while True:
            message = await self.receive()
            if all(message.get(name) == value for name, value in fields.items()):
                return message

    async def barrier(self) -> None:
        """Return when a whole long request, begun now, is over: what was on its way before has come."""
        mark = f"barrier-{uuid.uuid4().hex}"
        await self.send({"action": "noop", "id": mark})
        await self.until(request_id=mark, type="complete")

    def of(self, request_id: str, *types: str) -> list[dict[str, Any]]:
        """Return what came for a request, of these types or all."""
        return [
            message
            for message in self.messages
            if message.get("request_id") == request_id and (not types or message["type"] in types)
        ]

    async def closed(self) -> int | None:
        """Wait until the server has closed the connection; return the code."""
        async with asyncio.timeout(DEADLINE_S):
            with suppress(websockets.ConnectionClosed):
                while True:
                    self.messages.append(json.loads(await self.connection.recv()))
        return self.connection.close_code


class Dial(Protocol):
    async def __call__(self, url: str, token: str | None = None, **options: Any) -> Wire: ...


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Open bare connections, which are closed in the end."""
    async with AsyncExitStack() as stack:

        async def dial(url: str, token: str | None = None, **options: Any) -> Wire:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            connection = await stack.enter_async_context(
                websockets.connect(
                    url,
                    additional_headers=headers,
                    **{
                        "proxy": None,
                        "compression": None,
                        "ping_interval": None,
                        "max_size": None,
                        **options,
                    },
                )
            )
            return Wire(connection)

        yield dial


@pytest.fixture
async def wire(sandbox: Sandbox, dial: Dial, person: Person) -> Wire:
    """A bare connection of `person`."""
    return await dial(sandbox.addresses.websocket, sandbox.token(person.user, person.tenant))


# Logs


@pytest.fixture(scope="session")
def log_lines() -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Return the JSON lines that a function logged, oldest first: `await log_lines(sandbox, "router")`."""

    async def read(sandbox: Sandbox, function: str, **fields: Any) -> list[dict[str, Any]]:
        lines = []
        for invocation in await sandbox.logs(function):
            for text in invocation["log"].splitlines():
                with suppress(ValueError):
                    line = json.loads(text)
                    if isinstance(line, dict) and all(line.get(name) == fields[name] for name in fields):
                        lines.append(line)
        return lines

    return read


# Processes


@pytest.fixture(scope="session")
def executor_of() -> Callable[..., Awaitable[int | None]]:
    """Return the process that executes a request now, if any: `await executor_of(sandbox, "request-1")`."""

    async def find(sandbox: Sandbox, request_id: str) -> int | None:
        at_work: dict[str, int] = {}
        for entry in await sandbox.timeline():
            facts = entry["facts"]
            if entry["kind"] == "lambda.end":
                at_work.pop(facts["request_id"], None)
            elif (
                entry["kind"] == "lambda.start"
                and facts["function"].endswith("-executor")
                and request_id in [about.get("request_id") for about in facts.get("about", ())]
            ):
                at_work[facts["request_id"]] = facts["pid"]
        return next(reversed(at_work.values()), None)

    return find


class Family:
    """A process and everything that it started, also what outlived a parent."""

    def __init__(self, pid: int) -> None:
        self.root = psutil.Process(pid)
        self._seen: set[psutil.Process] = {self.root}

    def look(self) -> set[psutil.Process]:
        """Return those that run now, and remember them."""
        with suppress(psutil.NoSuchProcess):
            self._seen |= set(self.root.children(recursive=True))
        return self.alive()

    def alive(self) -> set[psutil.Process]:
        """Return those that were ever seen and still run."""
        return {process for process in self._seen if _runs(process)}

    def find(self, words: str) -> psutil.Process:
        """Return the one whose command line has these words."""
        found = [process for process in self.look() if words in " ".join(_command(process))]
        assert len(found) == 1, found
        return found[0]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="session")
def family() -> type[Family]:
    """Look at a process and its descendants: `family(pid)`."""
    return Family


# Commands


@dataclass
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str


@dataclass
class Terminal:
    """Runs commands as a person would, with state files of its own."""

    folder: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {
            **os.environ,
            "STREAMER_SANDBOX_STATE": str(self.state_file),
            "STREAMER_DEPLOYMENT": str(self.deployment_file),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    @property
    def state_file(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def deployment_file(self) -> Path:
        return self.folder / "deployment.json"

    async def start(self, *arguments: str, **options: Any) -> asyncio.subprocess.Process:
        """Start `python ARGUMENTS` in the checkout."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            **{
                "cwd": ROOT,
                "env": self.environment,
                "stdin": asyncio.subprocess.DEVNULL,
                "stdout": asyncio.subprocess.PIPE,
                "stderr": asyncio.subprocess.PIPE,
                **options,
            },
        )

    async def run(self, *arguments: str, **options: Any) -> Finished:
        """Run `python ARGUMENTS` to its end."""
        return await self.finish(await self.start(*arguments, **options))

    async def finish(self, process: asyncio.subprocess.Process) -> Finished:
        """Wait until a command has ended."""
        try:
            async with asyncio.timeout(PROCESS_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode is not None
        return Finished(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def up(self, *arguments: str) -> AsyncIterator["Up"]:
        """Run `python -m emulator up --json ARGUMENTS` until the block ends."""
        process = await self.start("-m", "emulator", "up", "--json", *arguments)
        running = Up(self, process)
        try:
            await running.wait_ready()
            yield running
        finally:
            if process.returncode is None:
                process.terminate()
                await self.finish(process)


class Up:
    """A sandbox that a command runs.

    Attributes:
        line: what it printed when it was ready, as it came.
        ready: the same, read.
    """

    def __init__(self, terminal: Terminal, process: asyncio.subprocess.Process) -> None:
        self.terminal = terminal
        self.process = process
        self.line = ""
        self.ready: dict[str, Any] = {}

    async def wait_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        async with asyncio.timeout(PROCESS_S):
            self.line = (await self.process.stdout.readline()).decode()
        assert self.line, (await self.process.stderr.read()).decode()
        self.ready = json.loads(self.line)
        self.family = Family(self.process.pid)
        self.family.look()

    async def end(self, signal_number: int | None = None) -> Finished:
        """Send a signal, if any, and wait for the command's end."""
        self.family.look()
        if signal_number is not None:
            self.process.send_signal(signal_number)
        return await self.terminal.finish(self.process)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def module_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal for all tests of a module."""
    return Terminal(tmp_path_factory.mktemp("terminal"))
