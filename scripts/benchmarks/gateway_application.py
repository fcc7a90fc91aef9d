"""The application of the gateway's benchmark, in the model's oldest words: older checkouts load it, too."""

from pathlib import Path
from typing import Any

from emulator.application import Application, Function, Route, WebSocketApi

ROUTES = (
    Route("$connect", "connect"),
    Route("reply", "reply", route_response=True),
    Route("post", "post"),
    Route("slow", "slow", route_response=True),
)

WARM_ENVIRONMENTS = {"connect": 2, "reply": 2, "post": 2, "slow": 10}


class Source:
    """What `Sandbox` asks of an application; clients are bare sockets."""

    lifecycle: dict[tuple[str, str], str] = {}  # noqa: RUF012
    initial_state = ""
    requests: tuple[type, ...] = ()
    folders: tuple[str, ...] = ()
    errors: tuple[type[Exception], ...] = ()

    def __init__(self, *, code: str) -> None:
        self._code = Path(code)

    def application(self) -> Application:
        """Declare one API and four functions."""
        functions = [
            Function(name, f"app.{name}", self._code, timeout_s=10, provisioned_concurrency=environments)
            for name, environments in WARM_ENVIRONMENTS.items()
        ]
        return Application("benchmark", functions=functions, apis=[WebSocketApi("benchmark", ROUTES)])

    def started(self, state: Any) -> None:
        """Note nothing."""

    def stopped(self, state: Any) -> None:
        """Note nothing."""
