"""One environment as a thread: what it tells the Runtime API and its log, until there is no more to do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from emulator.handle.inline import run


class RuntimeApi(ThreadingHTTPServer):
    """Gives one invocation, then says that the environment is gone.

    Attributes:
        told: what was posted, by its path below `/2018-06-01/runtime/`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.left = [b'{"number": 7}']
        self.told: dict[str, Any] = {}


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        if not self.server.left:
            self.answer(410, b"")
            return
        self.answer(
            200,
            self.server.left.pop(),
            {
                "Lambda-Runtime-Aws-Request-Id": "r1",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:f",
                "Lambda-Runtime-Deadline-Ms": "2000000000000",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told[self.path.removeprefix("/2018-06-01/runtime/")] = json.loads(body)
        self.answer(202, b"")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def runtime_api() -> Iterator[RuntimeApi]:
    server = RuntimeApi()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def variables(runtime_api: RuntimeApi) -> dict[str, str]:
    return {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime_api.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What takes the environment's output."""
    path = tmp_path / "log"
    path.touch()
    return path


def test_an_answer_is_posted(runtime_api: RuntimeApi, variables: dict[str, str], log: Path) -> None:
    """The handler gets the event and a context; what it returns is the response, what it logs the log."""

    def make(name: str, output: Any) -> Any:
        def handler(event: Any, context: Any) -> Any:
            print(f"{name} was asked", file=output)
            return {**event, "id": context.aws_request_id, "left": context.get_remaining_time_in_millis() > 0}

        return handler

    run(variables, str(log), make)
    assert runtime_api.told == {"invocation/r1/response": {"number": 7, "id": "r1", "left": True}}
    assert log.read_text() == "f was asked\n"


def test_an_error_is_posted_and_logged(runtime_api: RuntimeApi, variables: dict[str, str], log: Path) -> None:
    """It has its type, its text and the frames of the function alone; the thread goes on to the next."""

    def handler(event: Any, context: Any) -> Any:
        raise LookupError("over a stone")

    run(variables, str(log), lambda name, output: handler)
    told = runtime_api.told["invocation/r1/error"]
    assert (told["errorType"], told["errorMessage"]) == ("LookupError", "over a stone")
    assert len(told["stackTrace"]) == 1
    assert "in handler" in told["stackTrace"][0]
    assert log.read_text().startswith("[ERROR] LookupError: over a stone\nTraceback")


def test_a_function_that_cannot_be_loaded_is_told(
    runtime_api: RuntimeApi, variables: dict[str, str], log: Path
) -> None:
    """The error of its loading is posted as one of the initialisation, and no invocation is asked for."""

    def make(name: str, output: Any) -> Any:
        raise ImportError(f"no module for {name}")

    run(variables, str(log), make)
    assert runtime_api.told["init/error"]["errorMessage"] == "no module for f"
    assert runtime_api.left != []
    assert "no module for f" in log.read_text()


def test_an_environment_that_was_given_up_before_it_began_does_nothing(
    runtime_api: RuntimeApi, variables: dict[str, str], tmp_path: Path
) -> None:
    """Its pipe is gone by then."""
    run(variables, str(tmp_path / "gone"), lambda name, output: pytest.fail("nothing is to be loaded"))
    assert runtime_api.told == {}
