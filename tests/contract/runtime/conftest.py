"""A Lambda service with real processes, and the handlers that they run."""

import asyncio
import json
import os
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings

DEADLINE_S = 30.0

HANDLERS = '''
import json, os, pathlib, subprocess, sys, time

count = 0

def echo(event, context):
    return event

def counting(event, context):
    global count
    count += 1
    return {"count": count, "pid": os.getpid()}

def describe(event, context):
    return {
        "environment": dict(os.environ), "path": sys.path, "folder": os.getcwd(), "argv": sys.argv,
        "request_id": context.aws_request_id, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "remaining_ms": context.get_remaining_time_in_millis(),
        "log_group": context.log_group_name, "log_stream": context.log_stream_name,
        "client_context": context.client_context and context.client_context.custom,
        "group": os.getpgid(0), "pid": os.getpid(), "modules": [m for m in sys.modules if "emulator" in m],
    }

def noisy(event, context):
    print("from print", event["word"])
    print("to stderr", event["word"], file=sys.stderr)
    os.write(1, b"raw bytes\\n")
    subprocess.run(["/bin/sh", "-c", "echo from a child"], check=True)
    return None

def loud(event, context):
    sys.stdout.write("x" * event["bytes"])

def failing(event, context):
    raise ValueError("it is " + event["what"])

def unserialisable(event, context):
    return {"a": object()}

def raw(event, context):
    return b"\\x00\\x01"

def large(event, context):
    return "x" * event["bytes"]

def leave(event, context):
    if event.get("politely"):
        sys.exit(event["status"])
    os._exit(event["status"])

def wait(event, context):
    """Say that it is here, then wait until it is let go (or for ever)."""
    folder = pathlib.Path(event["folder"])
    (folder / f"here-{event['name']}").write_text(str(os.getpid()))
    while not (folder / "go").exists():
        time.sleep(0.005)
    return {"name": event["name"], "pid": os.getpid()}

def with_child(event, context):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (pathlib.Path(event["folder"]) / "here-child").write_text(str(child.pid))
    time.sleep(600)

def with_stranger(event, context):
    """Start a process that is not of this session; return, or do something else first."""
    here = pathlib.Path(event["folder"]) / "here-child"
    sleep = "import time; time.sleep(600)"
    how = event.get("how", "session")
    if how == "session":
        child = subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True, env={})
        here.write_text(str(child.pid))
    elif how == "daemon":
        code = f"import os, pathlib; os.setsid(); os.fork() and os._exit(0); print(os.getpid(), flush=True)"
        code += "; os.dup2(os.open(os.devnull, os.O_RDWR), 1); " + sleep
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        here.write_text(child.stdout.readline().strip())
        child.wait()
    elif how == "fork":
        read, write = os.pipe()
        if not os.fork():
            os.setsid()
            os.write(write, str(os.getpid()).encode())
            while True:
                time.sleep(600)
        here.write_text(os.read(read, 10).decode())
    if event.get("kills") == "fork server":
        os.kill(os.getppid(), 9)
        time.sleep(600)
    while event.get("stays") and not here.with_name("go").exists():
        time.sleep(0.005)

def recording(event, context):
    """Fail as often as the event says; keep what came."""
    with open(event["file"], "a") as file:
        file.write(json.dumps({"request_id": context.aws_request_id}) + "\\n")
    if sum(1 for _ in open(event["file"])) <= event["failures"]:
        raise RuntimeError("not yet")

def destination(event, context):
    with open(os.environ["RECORD"], "w") as file:
        file.write(json.dumps(event))
'''


async def poll(predicate: Callable[[], Any]) -> Any:
    """Wait until `predicate` is true and return what it said: what other processes do sends us no event."""
    async with asyncio.timeout(DEADLINE_S):
        while not (found := predicate()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    """Wait until a predicate is true."""
    return poll


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The folder of the handlers, `app.py` and some that cannot be loaded."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "app.py").write_text(textwrap.dedent(HANDLERS))
    (folder / "broken_import.py").write_text("import no_such_module\n")
    (folder / "broken_code.py").write_text('print("before")\nraise KeyError("at import")\n')
    (folder / "broken_syntax.py").write_text("def handler(:\n")
    (folder / "leaving.py").write_text("import os\nos._exit(9)\n")
    (folder / "slow.py").write_text("import time\ntime.sleep(600)\n")
    return folder


@pytest.fixture
def function(code: Path) -> Callable[..., Function]:
    """Make a function of a handler in `app.py`; its name is the handler's unless one is given."""

    def make(handler: str, **options: Any) -> Function:
        module, _, name = handler.rpartition(".")
        options = {"name": name, "timeout_s": 20, **options}
        return Function(handler=f"{module or 'app'}.{name}", code=code, **options)

    return make


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[LambdaService]]]:
    """Start a service of functions; after the test it is stopped, and nothing of it may be left."""
    services: list[LambdaService] = []
    before = asyncio.all_tasks()

    async def start(
        *functions: Function, settings: RuntimeSettings | None = None, **options: Any
    ) -> LambdaService:
        # Most tests need no preloaded modules, and the fork server is ready sooner without.
        settings = settings or RuntimeSettings(preload=(), preload_clients=())
        service = LambdaService(functions, settings=settings, **options)
        services.append(service)
        await service.start()
        return service

    yield start
    for service in services:
        pids = [e.pid for e in service.environments() if e.pid is not None]
        pids += service.fork_server_pids() + service.guard_pids()
        await service.stop()
        assert [pid for pid in pids if psutil.pid_exists(pid)] == [], "processes were left"
        assert service.environments() == []
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}, "tasks were left"


@pytest.fixture
def call() -> Callable[..., Awaitable[Any]]:
    """Invoke a function with a value and return the value of a response that must be no error."""

    async def invoke(service: LambdaService, name: str, event: Any = None, **options: Any) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            result = await service.invoke(name, json.dumps(event).encode(), **options)
        assert result.function_error is None, result.payload
        return json.loads(result.payload)

    return invoke


class Meeting:
    """A folder where the handler `wait` says that it is here and is let go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def event(self, name: str) -> dict[str, str]:
        """Return an event for `wait`."""
        return {"folder": os.fspath(self._folder), "name": name}

    def payload(self, name: str) -> bytes:
        return json.dumps(self.event(name)).encode()

    async def arrives(self, name: str) -> int:
        """Wait until the handler is here; return its process id."""
        return int(await poll(lambda: self._said(name)))

    def here(self) -> set[str]:
        """Return who is, or was, here."""
        return {path.name.removeprefix("here-") for path in self._folder.glob("here-*")}

    def let_go(self) -> None:
        (self._folder / "go").touch()

    def _said(self, name: str) -> str:
        path = self._folder / f"here-{name}"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def meeting(tmp_path: Path) -> Meeting:
    """Where handlers are met while they run."""
    folder = tmp_path / "meeting"
    folder.mkdir()
    return Meeting(folder)


@pytest.fixture
def gone() -> Callable[[int], Awaitable[None]]:
    """Wait until a process has ended (a zombie whose parent does not care counts as ended)."""

    def is_gone(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    async def wait(pid: int) -> None:
        await poll(lambda: is_gone(pid))

    return wait
