"""The emulator's own routes on LocalStack's port, and the handler that stands before everything else."""

import hmac
import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.http import Response

from .admission import refusal, refusal_of_change
from .engine.clock import CLOCK
from .faults import FAULTS

PREFIX = "/_streamer/"

SECRET_HEADER = "x-emulator-secret"  # noqa: S105 - the header's name
"""Opens the routes; LocalStack's environment has the value in `EMULATOR_SECRET`."""

_SECRET = os.environ.pop("EMULATOR_SECRET", "")


def guard(chain: HandlerChain, context: RequestContext, _response: Response) -> None:
    """Refuse who may not call this port; answer the emulator's own routes. First of the request chain."""
    request = context.request
    reason = refusal(request.headers) or refusal_of_change(request.method, request.path)
    if reason is not None:
        _answer(chain, 403, {"message": reason})
    elif request.path.startswith(PREFIX):
        _answer(chain, *_serve(request))


def _serve(request: Any) -> tuple[int, dict[str, Any]]:
    given = request.headers.get(SECRET_HEADER, "")
    if not _SECRET or not hmac.compare_digest(given.encode(), _SECRET.encode()):
        return 403, {"message": f"The emulator's secret is missing; send it as {SECRET_HEADER}."}
    route = _ROUTES.get(request.path.removeprefix(PREFIX))
    if route is None:
        return 404, {"message": f"There is no {request.path}; there are {', '.join(_ROUTES)}."}
    read, write = route
    if request.method == "GET":
        return 200, read()
    if request.method != "POST":
        return 405, {"message": "GET tells what is set, POST sets it."}
    try:
        said = write(json.loads(request.data))
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"message": f"The body is not understood: {error}"}
    return 200, read() if said is None else said


def _read_clock() -> dict[str, Any]:
    return {"offset_s": CLOCK.offset_s, "now": CLOCK.now()}


def _set_clock(body: Mapping[str, Any]) -> None:
    offset_s = float(body["offset_s"])
    if not math.isfinite(offset_s):
        raise ValueError("offset_s is no number of seconds")
    CLOCK.offset_s = offset_s
    from .engine import mend  # only here: this module is there before moto is, which takes long to load

    mend.delete_expired(CLOCK.now())


def _read_faults() -> dict[str, Any]:
    return {"struck": FAULTS.counts()}


def _set_faults(body: Mapping[str, Any]) -> None:
    FAULTS.replace(body["faults"])


def _wait_for_strikes(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"strikes": FAULTS.strikes(int(body["after"]), float(body["wait_s"]))}


def _answer(chain: HandlerChain, status: int, body: Mapping[str, Any]) -> None:
    chain.respond(status, dict(body))
    chain.terminate()


_ROUTES: Mapping[str, tuple[Callable[[], dict[str, Any]], Callable[[Any], dict[str, Any] | None]]] = {
    "clock": (_read_clock, _set_clock),
    "faults": (_read_faults, _set_faults),
    "strikes": (_read_faults, _wait_for_strikes),
}
