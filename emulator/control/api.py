"""The control API: what `Sandbox` and the command line ask of a running emulator.

JSON over HTTP on loopback. A call carries the run's secret as `Authorization: Bearer SECRET`; a
call without it, for another host, or sent by a web page is refused.
"""

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from emulator.asgi import Disconnected, Receive, Scope, Send, headers_of, read_body
from emulator.errors import EmulatorError
from emulator.outsiders import refusal_of_outsider

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_048_576
"""What a call may send. Ours."""

Handler = Callable[[dict[str, str], dict[str, Any]], Awaitable[Any]]


class ControlApi:
    """An ASGI application: `(method, path)` to a handler of `(query, body)` that returns JSON."""

    def __init__(self, handlers: Mapping[tuple[str, str], Handler], secret: str) -> None:
        self._handlers = handlers
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, answer = await self._answer(scope, receive)
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        headers = headers_of(scope)
        refusal = self._refusal(headers)
        if refusal is not None:
            return 403, {"error": refusal}
        handler = self._handlers.get((scope["method"], scope["path"]))
        if handler is None:
            return 404, {"error": f"No such call: {scope['method']} {scope['path']}."}
        try:
            text = await read_body(receive, max_bytes=MAX_BODY_BYTES)
        except Disconnected as error:
            return 400, {"error": str(error)}
        if text is None:
            return 413, {"error": f"A call may send {MAX_BODY_BYTES} bytes at most."}
        try:
            body = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            return 400, {"error": "The body is not JSON."}
        if not isinstance(body, dict):
            return 400, {"error": "The body is no JSON object."}
        query = {
            name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()
        }
        try:
            return 200, await handler(query, body)
        except EmulatorError as error:
            return 409, {"error": str(error)}
        except (KeyError, ValueError, TypeError) as error:
            return 400, {"error": f"The call does not fit: {error!r}."}
        except Exception:
            logger.exception(
                "A call of the control API failed", extra={"action": "control.call", "path": scope["path"]}
            )
            return 500, {"error": f"The emulator failed at {scope['path']}; its log says why."}

    def _refusal(self, headers: Mapping[str, str]) -> str | None:
        if (refusal := refusal_of_outsider(headers)) is not None:
            return refusal
        given, wanted = headers.get("authorization", ""), f"Bearer {self._secret}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):  # as text it would take ASCII alone
            return "The control API needs the secret of this run."
        return None
