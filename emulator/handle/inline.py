"""Runs functions in threads of this process, as environments of a sandbox.

One thread per environment, and the emulator decides how many there are. Each speaks the Runtime API,
so that everything around a function is as in a process: events, answers, errors, logs. What differs:
nothing is killed, not by a timeout either, so that a breakpoint may take its time; environment variables
are not set; what a function prints goes where this process prints, its log keeps what it logs.
"""

import io
import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import urllib3

from emulator.errors import EmulatorError
from emulator.handle.control_client import call
from emulator.invocation import LATEST
from emulator.runtime.pure_runtime_client import Client
from emulator.state import State

Handler = Callable[[Any, Any], Any]
"""A Lambda handler: event and context in, the function's response out."""

MakeHandler = Callable[[str, io.TextIOBase], Handler]
"""Builds the handler of a function by its name; the stream takes what it logs."""

STOP_TIMEOUT_S = 2.0
"""Seconds that threads have to end with the sandbox; one that is inside an action takes as long as that."""


@dataclass(frozen=True, slots=True)
class InlineContext:
    """What a handler is told beside its event, in the names of Lambda's Python context.

    Source:
        Lambda Developer Guide, "Using the Lambda context object to retrieve Python function information".
    """

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    deadline_ms: int
    function_version: str = LATEST
    client_context: Any = None
    identity: Any = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's timeout, at which nothing happens here."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


class InlineExecution:
    """The threads of one sandbox: one that takes new environments, and one for each of these."""

    def __init__(self, state: State, make_handler: MakeHandler) -> None:
        self._state = state
        self._make_handler = make_handler
        self._http = urllib3.PoolManager(retries=False)
        self._is_over = threading.Event()
        self._workers: list[threading.Thread] = []
        self._taker = threading.Thread(target=self._take, name="inline", daemon=True)

    def start(self) -> None:
        """Start to take environments."""
        self._taker.start()

    def stop(self) -> None:
        """Wait for the threads, after the emulator has ended; one inside an action is left to its end."""
        self._is_over.set()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for thread in (self._taker, *self._workers):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._http.clear()

    def _take(self) -> None:
        while not self._is_over.is_set():
            try:
                openings = call(self._http, self._state, "GET", "/inline")
            except EmulatorError:
                return  # the sandbox has ended
            self._workers = [worker for worker in self._workers if worker.is_alive()]
            for opening in openings:
                worker = threading.Thread(
                    target=run,
                    args=(opening["variables"], opening["output"], self._make_handler),
                    name=f"inline-{opening['variables']['AWS_LAMBDA_FUNCTION_NAME']}",
                    daemon=True,
                )
                self._workers.append(worker)
                worker.start()


def run(variables: Mapping[str, str], output: str, make_handler: MakeHandler) -> None:
    """Be one environment until the emulator gives it up.

    Args:
        variables: what a process would have in its environment.
        output: path of the pipe that takes the log.
    """
    with (
        closing(Client(variables["AWS_LAMBDA_RUNTIME_API"])) as client,
        suppress(RuntimeError, FileNotFoundError),
        _Log(output) as log,
    ):
        try:
            handler = make_handler(variables["AWS_LAMBDA_FUNCTION_NAME"], log)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the function cannot be loaded
            log.write(_log_lines(error))
            client.post_init_error(json.dumps(error_payload(error)))
            return
        while True:
            payload, headers = client.next()
            _serve(client, handler, payload, headers, variables, log)


def _serve(
    client: Client,
    handler: Handler,
    payload: bytes,
    headers: Mapping[str, str | int],
    variables: Mapping[str, str],
    log: "_Log",
) -> None:
    request_id = str(headers["Lambda-Runtime-Aws-Request-Id"])
    context = InlineContext(
        aws_request_id=request_id,
        function_name=variables["AWS_LAMBDA_FUNCTION_NAME"],
        invoked_function_arn=str(headers["Lambda-Runtime-Invoked-Function-Arn"]),
        memory_limit_in_mb=variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        log_group_name=variables["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=variables["AWS_LAMBDA_LOG_STREAM_NAME"],
        deadline_ms=int(headers["Lambda-Runtime-Deadline-Ms"]),
    )
    try:
        answer = json.dumps(handler(json.loads(payload), context)).encode()
    except BaseException as error:  # noqa: BLE001 - the thread outlives whatever its function does
        log.write(_log_lines(error))
        client.post_error(request_id, json.dumps({**error_payload(error), "requestId": request_id}))
        return
    client.post_result(request_id, answer, "application/json")


def error_payload(error: BaseException) -> dict[str, Any]:
    """Return an error as AWS's runtime client tells of it, without the frames of this module."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_list(own),
    }


def _log_lines(error: BaseException) -> str:
    told = error_payload(error)
    frames = "".join(told["stackTrace"])
    return (
        f"[ERROR] {told['errorType']}: {told['errorMessage']}\nTraceback (most recent call last):\n{frames}"
    )


class _Log(io.TextIOBase):
    """Writes text to the pipe of an environment; what comes after the environment's end is dropped."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY)
        self._lock = threading.Lock()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        data = text.encode("utf-8", "replace")
        with self._lock, suppress(OSError):
            while data and self._file >= 0:
                data = data[os.write(self._file, data) :]
        return len(text)

    def close(self) -> None:
        with self._lock:
            file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
        super().close()
