"""Who may ask the control API what."""

import json
from typing import Any

import pytest

from emulator.control.api import MAX_BODY_BYTES, ControlApi
from emulator.errors import EmulatorError

SECRET = "the-secret-of-this-run"


async def _echo(query: dict[str, str], body: dict[str, Any]) -> Any:
    return {"query": query, "body": body}


async def _refuse(query: dict[str, str], body: dict[str, Any]) -> Any:
    raise EmulatorError("Nothing to kill.")


async def _needs(query: dict[str, str], body: dict[str, Any]) -> Any:
    return body["function"]


async def _finds(query: dict[str, str], body: dict[str, Any]) -> Any:
    return body.get("function")


async def _breaks(query: dict[str, str], body: dict[str, Any]) -> Any:
    raise RuntimeError("a mistake of ours")


API = ControlApi(
    {
        ("GET", "/breaks"): _breaks,
        ("GET", "/echo"): _echo,
        ("POST", "/refuse"): _refuse,
        ("POST", "/needs"): _needs,
        ("POST", "/finds"): _finds,
    },
    SECRET,
)
GOOD = {"host": "127.0.0.1:80", "authorization": f"Bearer {SECRET}"}


async def ask(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
    """Make one call as an ASGI server does."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await API(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_a_call_with_the_secret_is_answered() -> None:
    """Query and body reach the handler."""
    assert await ask("GET", "/echo?after=3", GOOD, b'{"a": 1}') == (
        200,
        {"query": {"after": "3"}, "body": {"a": 1}},
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:80"},
        {**GOOD, "authorization": "Bearer wrong"},
        {**GOOD, "host": "evil.example"},
        {**GOOD, "origin": "http://127.0.0.1:80"},
    ],
    ids=["no-secret", "wrong-secret", "other-host", "web-page"],
)
async def test_others_are_refused(headers: dict[str, str]) -> None:
    """Without the secret, for another host, or from a web page: 403 and nothing done."""
    status, answer = await ask("GET", "/echo", headers)
    assert status == 403
    assert SECRET not in answer["error"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("POST", "/echo", b"", 404),
        ("POST", "/needs", b"{", 400),
        ("POST", "/needs", b"{}", 400),
        ("POST", "/finds", b"[]", 400),
        ("POST", "/refuse", b"", 409),
        ("POST", "/needs", b" " * (MAX_BODY_BYTES + 1), 413),
    ],
    ids=["path", "method", "not-json", "missing-field", "no-object", "emulator-says-no", "too-large"],
)
async def test_what_does_not_fit_is_told(method: str, path: str, body: bytes, status: int) -> None:
    """A wrong call gets a status and a sentence."""
    found, answer = await ask(method, path, GOOD, body)
    assert found == status
    assert answer["error"].endswith(".")


async def test_a_call_at_which_the_emulator_fails_is_answered_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever calls gets a sentence, and the emulator's log has the traceback."""
    status, answer = await ask("GET", "/breaks", GOOD)
    assert (status, "its log says why" in answer["error"]) == (500, True)
    assert "a mistake of ours" in caplog.text


async def test_a_secret_in_other_letters_is_a_wrong_secret() -> None:
    """A header that is no ASCII is refused as any wrong secret is."""
    status, answer = await ask("GET", "/echo", {**GOOD, "authorization": "Bearer sécret"})
    assert (status, "secret of this run" in answer["error"]) == (403, True)


async def test_a_body_that_nests_too_deep_is_not_json() -> None:
    """The call gets its sentence, not a broken answer."""
    assert await ask("GET", "/echo", GOOD, b"[" * 100_000) == (400, {"error": "The body is not JSON."})
