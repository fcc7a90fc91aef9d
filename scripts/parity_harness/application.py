"""The application of the parity suite: an API, a function or a mapping for each need of the rows.

Every function is the generic handler, whose script stands in the test. `Sandbox` loads this module by its
dotted name.
"""

from collections.abc import Callable, Mapping
from io import TextIOBase
from pathlib import Path
from typing import Any

from emulator.application import (
    Application,
    AsynchronousConfig,
    Destination,
    Function,
    Key,
    LogFormat,
    LoggingConfig,
    Queue,
    QueueMapping,
    Schedule,
    StreamMapping,
    StreamViewType,
    Table,
)
from emulator.errors import EmulatorError
from emulator.state import State
from scripts.parity_harness.apis import APIS

HANDLER = "generic.handler"

PLAIN_FUNCTIONS = (
    "connect",
    "disconnect",
    "default",
    "reply",
    "silent",
    "hurried",
    "limited",
    "checked",
    "authorizer",
    "invoked",
    "started-cold",
    "alone",
    "destination",
    "on-declared",
    "on-jobs",
    "on-rate",
    "on-cron",
    "on-paused-rate",
    "on-mapped",
    "on-mapped-too",
)
"""Functions with nothing special but their name; `timeout_s` is 30 so that no row ends by it. No test
invokes `alone` twice at once, so that it has one environment, nor `started-cold` twice at all."""

SPECIAL_FUNCTIONS: Mapping[str, Mapping[str, Any]] = {
    "brief": {"timeout_s": 3},
    "reset": {"timeout_s": 4},
    "default-timeout": {"timeout_s": 3},
    "single": {"reserved_concurrency": 1},
    "blocked": {"reserved_concurrency": 0},
    "json-logs": {"logging": LoggingConfig(LogFormat.JSON)},
    "json-cold": {"logging": LoggingConfig(LogFormat.JSON)},
    "json-warnings": {
        "logging": LoggingConfig(LogFormat.JSON, application_level="WARN", system_level="WARN")
    },
    "variables": {"environment": {"COLOUR": "blue"}, "memory_mb": 256},
    "retrying": {
        "asynchronous": AsynchronousConfig(
            on_success=Destination.queue("events-done"), on_failure=Destination.queue("events-failed")
        )
    },
    "to-function": {
        "asynchronous": AsynchronousConfig(
            maximum_retry_attempts=0,
            on_success=Destination.function("destination"),
            on_failure=Destination.function("destination"),
        )
    },
    "dead-letters": {
        "asynchronous": AsynchronousConfig(maximum_retry_attempts=0),
        "dead_letter": Destination.queue("dead-letters"),
    },
    "short-lived-events": {
        "asynchronous": AsynchronousConfig(
            maximum_event_age_s=60, on_failure=Destination.queue("events-failed")
        )
    },
    "init-raises": {"environment": {"PARITY_INIT": "raise"}},
    "init-exits": {"environment": {"PARITY_INIT": "exit"}},
    "init-raises-once": {"environment": {"PARITY_INIT": "raise-once"}},
    "missing-module": {"handler": "no_such_module.handler"},
    "missing-function": {"handler": "generic.no_such_function"},
    "malformed-handler": {"handler": "generic"},
    "broken-import": {"handler": "broken_import.handler"},
    "broken-syntax": {"handler": "broken_syntax.handler"},
    "built-in-module": {"handler": "sys.exit"},
    "nested-module": {"handler": "package/nested.handler"},
    "dotted-module": {"handler": "package.nested.handler"},
}
"""Functions that differ from the plain ones, by what differs."""


def application(recorder: str, code: Path) -> Application:
    """Declare everything.

    Args:
        recorder: `host:port` of the test's recorder.
        code: the folder of the generic handler; see `code_folder`.
    """

    def function(name: str, **special: Any) -> Function:
        environment = {"PARITY_RECORDER": recorder, **special.pop("environment", {})}
        return Function(
            name,
            special.pop("handler", HANDLER),
            code,
            environment=environment,
            **{"timeout_s": 30, **special},
        )

    return Application(
        name="parity",
        functions=[
            *(function(name) for name in PLAIN_FUNCTIONS),
            *(function(name, **special) for name, special in SPECIAL_FUNCTIONS.items()),
        ],
        apis=APIS,
        tables=[
            Table("declared", Key("pk"), Key("sk"), stream_view_type=StreamViewType.NEW_AND_OLD_IMAGES),
        ],
        stream_mappings=[StreamMapping("declared", "on-declared")],
        queue_mappings=[QueueMapping("jobs", "on-jobs")],
        schedules=[
            Schedule("every-five-minutes", "rate(5 minutes)", "on-rate"),
            Schedule("at-noon", "cron(0 12 * * ? *)", "on-cron"),
            Schedule("paused", "rate(5 minutes)", "on-paused-rate", input='{"of": "its own"}', enabled=False),
        ],
        queues=[
            *(Queue(name) for name in ("events-done", "events-failed", "dead-letters")),
            Queue("jobs", dead_letter_queue="jobs-failed", visibility_timeout_s=60),
            Queue("jobs-failed"),
        ],
        buckets=["parity-failures"],
    )


class Source:
    """The application for `Sandbox`; its clients are bare sockets, so it has none."""

    lifecycle: Mapping[tuple[str, str], str] = {}
    initial_state = ""
    requests: tuple[type, ...] = ()
    folders: tuple[str, ...] = ()
    errors: tuple[type[Exception], ...] = ()

    def __init__(self, *, recorder: str, code: str) -> None:
        self._recorder = recorder
        self._code = Path(code)

    def application(self) -> Application:
        """Declare the application."""
        return application(self._recorder, self._code)

    def started(self, state: State) -> None:
        """Note nothing."""

    def stopped(self, state: State) -> None:
        """Note nothing."""

    def token(self, client: Any, *, user: str, tenant: str, **options: Any) -> str:
        """Refuse: nobody has a token here."""
        raise EmulatorError("The parity application knows no tokens; connect with a bare socket.")

    def inline_handler(self, function: str, state: State, log: TextIOBase) -> Callable[[Any, Any], Any]:
        """Refuse: its functions are processes."""
        raise EmulatorError("The parity application runs in processes only.")

    def add_action(self, action: Any, **declaration: Any) -> Any:
        """Refuse: it has no actions."""
        raise EmulatorError("The parity application has no actions.")

    async def connect(self, state: State, client: Any, *, user: str, tenant: str, **options: Any) -> Any:
        """Refuse: it has no client."""
        raise EmulatorError("The parity application has no client; connect with a bare socket.")
