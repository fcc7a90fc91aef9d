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

IMAGES = StreamViewType.NEW_AND_OLD_IMAGES

MAPPINGS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "batched": {"batch_size": 3, "maximum_batching_window_s": 300},
    "windowed": {"maximum_batching_window_s": 60},
    "retried": {"maximum_retry_attempts": 1, "on_failure": Destination.queue("retried-failures")},
    "endless": {},
    "to-topic": {"maximum_retry_attempts": 0, "on_failure": Destination.topic("stream-failures")},
    "to-bucket": {"maximum_retry_attempts": 0, "on_failure": Destination.bucket("parity-failures")},
    "bisected": {
        "maximum_retry_attempts": 0,
        "bisect_batch_on_function_error": True,
        "on_failure": Destination.queue("bisected-failures"),
    },
    "reported": {
        "maximum_retry_attempts": 1,
        "report_batch_item_failures": True,
        "on_failure": Destination.queue("reported-failures"),
    },
    "reported-bisected": {
        "maximum_retry_attempts": 0,
        "report_batch_item_failures": True,
        "bisect_batch_on_function_error": True,
        "on_failure": Destination.queue("reported-bisected-failures"),
    },
    "aged": {"maximum_record_age_s": 60, "on_failure": Destination.queue("aged-failures")},
    "parallel": {"parallelization_factor": 4},
    "filtered": {"filters": [{"dynamodb": {"NewImage": {"kind": {"S": ["wanted"]}}}}]},
    "paused": {"enabled": False},
}
"""The stream mappings by name: the table `NAME` with a stream, the function `on-NAME`, these settings."""

VIEWS = {
    "keys-only": StreamViewType.KEYS_ONLY,
    "new-image": StreamViewType.NEW_IMAGE,
    "old-image": StreamViewType.OLD_IMAGE,
}
"""Tables whose streams carry less than both images, each with the function `on-NAME`."""

FAILURE_QUEUES = [
    mapping["on_failure"].name
    for mapping in MAPPINGS.values()
    if mapping.get("on_failure") is not None and mapping["on_failure"].service == "sqs"
]

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
    "runtime-api",
    "destination",
    "on-jobs",
    "on-jobs-reported",
    "on-rate",
    "on-cron",
    *(f"on-{name}" for name in (*MAPPINGS, *VIEWS)),
    "on-twice-1",
    "on-twice-2",
    "on-expiring",
    "on-mapped",
    "on-mapped-too",
)
"""Functions with nothing special but their name; `timeout_s` is 30 so that no row ends by it."""

SPECIAL_FUNCTIONS: Mapping[str, Mapping[str, Any]] = {
    "brief": {"timeout_s": 1},
    "default-timeout": {"timeout_s": 3},
    "single": {"reserved_concurrency": 1},
    "blocked": {"reserved_concurrency": 0},
    "json-logs": {"logging": LoggingConfig(LogFormat.JSON)},
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

    def mapping(table: str, function: str, **settings: Any) -> StreamMapping:
        return StreamMapping(table, function, **settings)

    queues = (*FAILURE_QUEUES, "events-done", "events-failed", "dead-letters")
    return Application(
        name="parity",
        functions=[
            *(function(name) for name in PLAIN_FUNCTIONS),
            *(function(name, **special) for name, special in SPECIAL_FUNCTIONS.items()),
        ],
        apis=APIS,
        tables=[
            *(_table(name, IMAGES) for name in (*MAPPINGS, "twice", "unmapped")),
            *(_table(name, view) for name, view in VIEWS.items()),
            Table("expiring", Key("pk"), stream_view_type=IMAGES, ttl_attribute="expires_at"),
            Table("things", Key("pk"), Key("sk", "N")),
        ],
        stream_mappings=[
            *(mapping(name, f"on-{name}", **settings) for name, settings in MAPPINGS.items()),
            *(mapping(name, f"on-{name}") for name in (*VIEWS, "expiring")),
            *(mapping("twice", f"on-twice-{number}") for number in (1, 2)),
        ],
        queue_mappings=[
            QueueMapping("jobs", "on-jobs"),
            QueueMapping("jobs-reported", "on-jobs-reported", report_batch_item_failures=True),
        ],
        schedules=[
            Schedule("every-five-minutes", "rate(5 minutes)", "on-rate"),
            Schedule("at-noon", "cron(0 12 * * ? *)", "on-cron", input='{"noon": true}'),
        ],
        queues=[
            *(Queue(name) for name in queues),
            Queue("jobs", dead_letter_queue="jobs-failed", visibility_timeout_s=60),
            Queue("jobs-failed"),
            Queue("jobs-reported", dead_letter_queue="jobs-failed", visibility_timeout_s=60),
        ],
        topics=["stream-failures"],
        buckets=["parity-failures", "parity-objects"],
    )


def _table(name: str, view: StreamViewType) -> Table:
    return Table(name, Key("pk"), Key("sk"), stream_view_type=view)


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
