"""Calls of a running sandbox's control API."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import urllib3

from emulator.errors import EmulatorError, SandboxNotRunning
from emulator.state import State

MAX_LOGS = 20
"""Invocations of one request whose logs are read together, the newest. Ours."""

TIMEOUT_S = 30.0
"""Seconds that a call may take; the longest, which waits for something to happen, takes half of it."""


def call(
    http: urllib3.PoolManager, state: State, method: str, path: str, body: Mapping[str, Any] | None = None
) -> Any:
    """Make one call of the control API of the sandbox that `state` names.

    Raises:
        SandboxNotRunning: nobody answers.
        EmulatorError: the emulator refused; its sentence.
    """
    try:
        response = http.request(
            method,
            state.addresses.control + path,
            body=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {state.secret}"},
            timeout=TIMEOUT_S,
        )
    except urllib3.exceptions.HTTPError as error:
        raise SandboxNotRunning("The sandbox does not answer any more; start it again.") from error
    answer = json.loads(response.data)
    if response.status != 200:
        raise EmulatorError(answer["error"])
    return answer


def logs_of(http: urllib3.PoolManager, state: State, request_id: str) -> list[dict[str, Any]]:
    """Return the logs of a request's newest invocations, oldest first. Raises like `call`."""
    entries = call(http, state, "GET", f"/timeline?of={quote(request_id, safe='')}")
    begun = [entry["facts"] for entry in entries if entry["kind"] == "lambda.start"][-MAX_LOGS:]
    names = dict.fromkeys(facts["function"] for facts in begun)
    kept = {name: call(http, state, "GET", f"/logs?function={name}") for name in names}
    return [
        log for facts in begun for log in kept[facts["function"]] if log["request_id"] == facts["request_id"]
    ]
