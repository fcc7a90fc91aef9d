"""LocalStack as a process: where it listens, how it ends, what it says when it fails."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.errors import BackendFailed
from emulator.localstack.backend import Backend
from emulator.localstack.external import external_backend
from emulator.localstack.process import LocalStack

PARENT = """
import asyncio, pathlib, sys
from emulator.localstack.process import LocalStack

async def main():
    process = LocalStack(pathlib.Path(sys.argv[1]))
    await process.start()
    print(process.pid, flush=True)
    await process.died()

asyncio.run(main())
"""


def test_it_listens_on_loopback_only(localstack: LocalStack) -> None:
    """One listening socket, on 127.0.0.1, and no child processes."""
    process = psutil.Process(localstack.pid)
    listening = [each.laddr.ip for each in process.net_connections() if each.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
    assert process.children() == []


def test_it_takes_nothing_of_the_callers_aws_or_proxy_settings(
    localstack: LocalStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A profile, a proxy or a LocalStack setting of the user's does not reach it."""
    for name in ("AWS_PROFILE", "HTTPS_PROXY", "DEBUG", "PERSISTENCE", "LOCALSTACK_AUTH_TOKEN"):
        monkeypatch.setenv(name, "of-the-user")
    given = psutil.Process(localstack.pid).environ()
    surroundings = LocalStack(tmp_path)._surroundings(1, 2)
    assert "of-the-user" not in surroundings.values()
    assert set(given) >= set(surroundings) - {"HOME", "LANG", "LC_ALL", "TZ"}


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", "list_buckets"),
        ("sqs", "list_queues"),
        ("sns", "list_topics"),
        ("secretsmanager", "list_secrets"),
        ("iam", "list_roles"),
        ("sts", "get_caller_identity"),
        ("cloudwatch", "describe_alarms"),
        ("logs", "describe_log_groups"),
        ("events", "list_rules"),
    ],
)
def test_the_services_that_applications_use_answer(
    client: Callable[..., Any], service: str, call: str
) -> None:
    """Each is loaded when it is first called."""
    assert getattr(client(service), call)()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_queue_is_reached_by_the_address_that_it_is_given(client: Callable[..., Any]) -> None:
    """URLs in answers name the address at which LocalStack really listens."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="reached")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL gives the parent no chance to stop it; it ends all the same."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    child.wait(10)
    assert not child.is_running()


async def test_a_start_that_fails_shows_the_end_of_the_log(tmp_path: Path) -> None:
    """The error says that it ended, and the log why."""
    process = LocalStack(tmp_path, settings={"GATEWAY_SERVER": "nonsense"})
    with pytest.raises(BackendFailed, match="ended while it started") as caught:
        await process.start()
    assert "Unknown gateway server type nonsense" in caught.value.log_tail


async def test_a_start_that_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    """Not ready in time: an error, and no process."""
    process = LocalStack(tmp_path, ready_timeout_s=0.01)
    with pytest.raises(BackendFailed, match="does not answer"):
        await process.start()
    assert process.pid is not None
    assert not psutil.pid_exists(process.pid)


async def test_a_death_is_noticed_and_explained(tmp_path: Path) -> None:
    """`died` returns the exit code; `failure` is the error to show; stopping afterwards is harmless."""
    process = LocalStack(tmp_path)
    await process.start()
    assert process.pid is not None
    async with asyncio.timeout(20):
        while "Ready." not in process.log_path.read_text():  # noqa: ASYNC110  # it answers before it says so
            await asyncio.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert await process.died() == -signal.SIGKILL
    error = process.failure()
    assert "exit code -9" in str(error)
    assert "Ready." in error.log_tail
    await process.stop()
    await process.stop()


async def test_stop_ends_it_in_good_time(tmp_path: Path) -> None:
    """It ends by itself when it is stopped, without being killed."""
    process = LocalStack(tmp_path)
    await process.start()
    await process.stop()
    assert await process.died() == 0


def test_a_running_localstack_is_recognised(localstack: LocalStack) -> None:
    """Used by its address, ours is known for what it is."""
    assert external_backend(localstack.endpoint_url + "/") == localstack.backend
    assert localstack.backend == Backend("LocalStack", "4.13.1", "embedded", localstack.endpoint_url, True)


class Late(BaseHTTPRequestHandler):
    """Loads its service at the first call, as MiniStack does on a busy machine."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        threading.Event().wait(5.5)
        self.send_error(404)

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *arguments: Any) -> None:
        """Write no log."""


def test_a_back_end_that_answers_late_is_waited_for() -> None:
    """It is there, and what it is, is asked to the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            assert external_backend(url) == Backend("external", "unknown", "unknown", url, False)
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "nonsense"])
def test_an_address_where_nothing_answers_is_refused(address: str) -> None:
    """One sentence that names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BackendFailed, match="Nothing answers to the AWS API at"):
        external_backend(address.format(port=port))


def test_what_it_writes_lies_in_the_folder_of_its_run(localstack: LocalStack) -> None:
    """Nothing of it stays in the machine's folder for temporary files, where another user's may lie."""
    process = psutil.Process(localstack.pid)
    temporary = Path(process.environ()["TEMP"])
    assert temporary.is_relative_to(localstack.log_path.parent)
    assert (temporary / "localstack").is_dir()
