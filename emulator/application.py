"""The application model: what an application is made of, whoever wrote it.

The words are CloudFormation's. An application comes from `emulator/applications/`; the rest of the
emulator knows applications only in this form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from emulator.account import ACCOUNT_ID, REGION
from emulator.errors import InvalidApplication


class StreamViewType(StrEnum):
    """What a stream record carries of the item. DynamoDB API reference, `StreamSpecification`."""

    KEYS_ONLY = "KEYS_ONLY"
    NEW_IMAGE = "NEW_IMAGE"
    OLD_IMAGE = "OLD_IMAGE"
    NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"


class StartingPosition(StrEnum):
    """Where a mapping starts to read. Lambda API reference, `CreateEventSourceMapping`."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class AsynchronousConfig:
    """What happens to an invocation of type `Event` that fails. Lambda's `EventInvokeConfig`.

    Attributes:
        maximum_retry_attempts: further attempts after the first, 0 to 2.
        maximum_event_age_s: seconds after which an event is given up, 60 to 21600.
        on_failure: name of the function that receives the failure record, or None.
    """

    maximum_retry_attempts: int = 2
    maximum_event_age_s: int = 21_600
    on_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function.

    Attributes:
        handler: as Lambda takes it, `package.module.function`.
        code: the folder that is the function's package; first on its `sys.path` (`LAMBDA_TASK_ROOT`).
        timeout_s: 1 to 900 seconds.
        memory_mb: 128 to 10240.
        reserved_concurrency: environments at most; beyond it callers are throttled. None: no limit of AWS's.
        provisioned_concurrency: environments that are started ahead of need.
    """

    name: str
    handler: str
    code: Path
    timeout_s: float = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    provisioned_concurrency: int = 0
    asynchronous: AsynchronousConfig = AsynchronousConfig()

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a WebSocket API.

    Attributes:
        key: `$connect`, `$disconnect`, `$default`, or a value of the route selection expression.
        function: name of the function behind it.
        route_response: whether the function's `body` is sent back as a message
            (`RouteResponseSelectionExpression: $default` and a `$default` route response).
        timeout_s: of the integration, 0.05 to 29 seconds.
    """

    key: str
    function: str
    route_response: bool = False
    timeout_s: float = 29.0


@dataclass(frozen=True, slots=True)
class WebSocketApi:
    """A WebSocket API with one stage."""

    name: str
    routes: Sequence[Route]
    stage: str = "local"
    route_selection_expression: str = "$request.body.action"


@dataclass(frozen=True, slots=True)
class Key:
    """A key attribute: its name and DynamoDB type, `S`, `N` or `B`."""

    name: str
    type: str = "S"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index that projects all attributes."""

    name: str
    partition_key: Key
    sort_key: Key | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table, billed per request."""

    name: str
    partition_key: Key
    sort_key: Key | None = None
    indexes: Sequence[Index] = ()
    stream_view_type: StreamViewType | None = None
    ttl_attribute: str | None = None


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """An event source mapping from a table's stream to a function.

    Attributes:
        table: name of the table; it must have a stream.
        filters: patterns in Lambda's filter syntax, as values; a record passes if any
            matches. Empty: all pass.
        batch_size: 1 to 10000 records.
        maximum_batching_window_s: 0 to 300.
        maximum_retry_attempts: -1 (until the record expires) to 10000.
        maximum_record_age_s: -1 (until the stream trims it) to 604800.
        report_batch_item_failures: whether the function answers with `batchItemFailures`.
        on_failure_queue: name of the queue that receives what was given up, or None.
    """

    table: str
    function: str
    filters: Sequence[Mapping[str, Any]] = ()
    batch_size: int = 100
    maximum_batching_window_s: float = 0
    starting_position: StartingPosition = StartingPosition.TRIM_HORIZON
    maximum_retry_attempts: int = -1
    maximum_record_age_s: int = -1
    bisect_batch_on_function_error: bool = False
    report_batch_item_failures: bool = False
    on_failure_queue: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """An EventBridge rule with a schedule, `rate(1 minute)`, that invokes a function."""

    name: str
    expression: str
    function: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and the value that it has in the sandbox (a development value, never a real one)."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object that lies in a bucket when the sandbox is ready.

    Attributes:
        body: makes the bytes; called once, while the back end starts.
    """

    bucket: str
    key: str
    body: Callable[[], bytes]
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that one application declares."""

    name: str
    functions: Sequence[Function] = ()
    apis: Sequence[WebSocketApi] = ()
    tables: Sequence[Table] = ()
    stream_mappings: Sequence[StreamMapping] = ()
    schedules: Sequence[Schedule] = ()
    queues: Sequence[str] = ()
    buckets: Sequence[str] = ()
    secrets: Sequence[Secret] = ()
    objects: Sequence[BucketObject] = ()

    def __post_init__(self) -> None:
        functions = {function.name for function in self.functions}
        tables = {table.name: table for table in self.tables}
        for user, name in self._uses_of_functions():
            if name not in functions:
                raise InvalidApplication(f"{user} names the function {name!r}, which is not declared.")
        for mapping in self.stream_mappings:
            table = tables.get(mapping.table)
            if table is None or table.stream_view_type is None:
                raise InvalidApplication(
                    f"The stream mapping to {mapping.function} reads table {mapping.table!r}, which is not"
                    " declared with a stream; give the table a stream_view_type."
                )
            if mapping.on_failure_queue is not None and mapping.on_failure_queue not in self.queues:
                raise InvalidApplication(
                    f"The stream mapping to {mapping.function} names the queue {mapping.on_failure_queue!r},"
                    " which is not declared."
                )

    def _uses_of_functions(self) -> list[tuple[str, str]]:
        uses = [
            (f"Route {route.key} of API {api.name}", route.function)
            for api in self.apis
            for route in api.routes
        ]
        uses += [
            (f"The stream mapping of {mapping.table}", mapping.function) for mapping in self.stream_mappings
        ]
        uses += [(f"Schedule {schedule.name}", schedule.function) for schedule in self.schedules]
        uses += [
            (f"The on-failure destination of {function.name}", function.asynchronous.on_failure)
            for function in self.functions
            if function.asynchronous.on_failure is not None
        ]
        return uses

    def function(self, name: str) -> Function:
        """Return the function called `name`, or the only one whose name ends with `-name`.

        Raises:
            KeyError: there is none, or several end so.
        """
        for function in self.functions:
            if function.name == name:
                return function
        found = [function for function in self.functions if function.name.endswith(f"-{name}")]
        if len(found) != 1:
            raise KeyError(name)
        return found[0]
