"""The application as data: everything that is deployed, declared once. Nothing here does I/O.

The words are CloudFormation's. The emulator creates it on a laptop, the infrastructure program on AWS;
the Lambda functions do not import it, they read `Settings` from their environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from streamer.dynamorm import Index, KeyAttribute, StreamView, Table
from streamer.lifecycle import Status
from streamer.settings import OUTPUTS, Settings, whole_number
from streamer.store.limits import REQUEST_TTL_S
from streamer.store.models import CONNECTIONS, COUNTERS, RECORDS, REQUESTS, SUBSCRIPTIONS
from streamer.store.tables import table_names

__all__ = [
    "AsynchronousConfig",
    "Function",
    "Index",
    "KeyAttribute",
    "LifecycleRule",
    "Route",
    "Schedule",
    "Stack",
    "StreamMapping",
    "StreamView",
    "Table",
    "WebSocketApi",
    "stack",
]

DEFAULT_STAGE = "local"

EXECUTOR_TIMEOUT_S = 900
"""Seconds: Lambda's most, "Lambda quotas"."""

OUTPUT_DAYS = REQUEST_TTL_S // 86_400 + 1
"""Days that what a request wrote is kept: its result, which links to it, is gone before."""

WAITING_REQUESTS: Mapping[str, Any] = {
    "eventName": ["INSERT", "MODIFY"],
    "dynamodb": {"NewImage": {"sk": {"S": ["STATE"]}, "status": {"S": [Status.PENDING.value]}}},
}
"""The stream records that the processor gets, in Lambda's filter syntax: requests that wait."""

HANDED_OVER_RETRIES: Mapping[str, Any] = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "NewImage": {
            "sk": {"S": ["STATE"]},
            "status": {"S": [Status.RETRYING.value]},
            "handed_over": {"BOOL": [True]},
        }
    },
}
"""And these: retries that are due so soon that an executor waits for them."""


@dataclass(frozen=True, slots=True)
class AsynchronousConfig:
    """What happens to an invocation of type `Event` that fails. Lambda's `EventInvokeConfig`.

    Attributes:
        maximum_retry_attempts: further attempts after the first, 0 to 2.
        on_failure: name of the function that receives the failure record.
    """

    maximum_retry_attempts: int
    on_failure: str


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function.

    Attributes:
        name: in the account.
        handler: as Lambda takes it, `package.module.function`.
        timeout_s: 1 to 900 seconds.
        memory_mb: 128 to 10240.
    """

    name: str
    handler: str
    timeout_s: int
    memory_mb: int
    environment: Mapping[str, str]
    asynchronous: AsynchronousConfig | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the WebSocket API.

    Attributes:
        function: name of the function behind it.
        route_response: whether the function's `body` is sent back as a message.
    """

    key: str
    function: str
    route_response: bool = False


@dataclass(frozen=True, slots=True)
class WebSocketApi:
    """The WebSocket API, with its one stage."""

    name: str
    stage: str
    route_selection_expression: str
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """An event source mapping from a table's stream to a function.

    Attributes:
        table, function, on_failure_queue: names in the account.
        filters: patterns in Lambda's filter syntax, as values; a record passes if any matches.
        maximum_retry_attempts: how often a failed batch is tried again before the queue gets it.
    """

    table: str
    function: str
    filters: tuple[Mapping[str, Any], ...]
    batch_size: int
    starting_position: str
    maximum_retry_attempts: int
    report_batch_item_failures: bool
    on_failure_queue: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """An EventBridge rule that invokes a function, `rate(1 minute)`."""

    name: str
    expression: str
    function: str


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """Deletes objects of a bucket by their age.

    Attributes:
        prefix: of their keys.
        expiration_days: whole days after they were written.
    """

    bucket: str
    prefix: str
    expiration_days: int


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that one deployment of Streamer is made of. Names are those in the account.

    Attributes:
        settings: what the functions are told.
        functions: `connect`, `disconnect`, `router`, `processor`, `executor`, `sweeper`, in this order.
        secrets: names of the secrets that must have a value: the keys that verify tokens.
    """

    name: str
    settings: Settings
    tables: tuple[Table, ...]
    functions: tuple[Function, ...]
    api: WebSocketApi
    stream_mappings: tuple[StreamMapping, ...]
    schedules: tuple[Schedule, ...]
    queues: tuple[str, ...]
    buckets: tuple[str, ...]
    lifecycle_rules: tuple[LifecycleRule, ...]
    secrets: tuple[str, ...]


def stack(
    name: str = "streamer",
    *,
    stage: str = DEFAULT_STAGE,
    executor_timeout_s: int = EXECUTOR_TIMEOUT_S,
    **overrides: Any,
) -> Stack:
    """Declare a deployment.

    Args:
        name: begins the name of everything, so that an account can hold several deployments.
        stage: of the WebSocket API; part of its address.
        executor_timeout_s: seconds of one invocation; longer work goes on from its checkpoint in the next.
        overrides: fields of `Settings` that shall differ.

    Raises:
        TypeError: an override is no field of `Settings`, or no number where one is needed, or too small.
    """
    known = [field.name for field in fields(Settings)]
    if unknown := sorted(overrides.keys() - set(known)):
        raise TypeError(f"there is no setting {', '.join(unknown)}; there are {', '.join(known)}")
    try:  # as the functions will read them: what a command line gives as text is a number here, too
        settings = Settings.from_environment(
            Settings(**{**_named_settings(name), **overrides}).to_environment()
        )
        executor_timeout_s = whole_number("executor_timeout_s", str(executor_timeout_s), at_least=1)
    except ValueError as error:
        raise TypeError(str(error)) from error
    environment = settings.to_environment()

    def function(role: str, timeout_s: int, memory_mb: int = 256, **further: Any) -> Function:
        named = settings.executor_function if role == "executor" else f"{name}-{role}"
        return Function(
            named, f"streamer.lambdas.{role}.handler", timeout_s, memory_mb, environment, **further
        )

    sweeper = function("sweeper", 60)
    connect, disconnect, router = function("connect", 10), function("disconnect", 10), function("router", 29)
    processor = function("processor", 60)
    executor = function(
        "executor",
        executor_timeout_s,
        1024,
        # The store counts attempts; one that crashed is freed by the sweeper, at once.
        asynchronous=AsynchronousConfig(maximum_retry_attempts=0, on_failure=sweeper.name),
    )
    dispatch_failures = f"{name}-dispatch-failures"
    return Stack(
        name=name,
        settings=settings,
        tables=_tables(settings),
        functions=(connect, disconnect, router, processor, executor, sweeper),
        api=WebSocketApi(
            name=name,
            stage=stage,
            route_selection_expression="$request.body.action",
            routes=(
                Route("$connect", connect.name),
                Route("$disconnect", disconnect.name),
                Route("$default", router.name, route_response=True),
            ),
        ),
        stream_mappings=(
            StreamMapping(
                table=settings.requests_table,
                function=processor.name,
                filters=(WAITING_REQUESTS, HANDED_OVER_RETRIES),
                batch_size=100,
                starting_position="TRIM_HORIZON",
                maximum_retry_attempts=10,
                report_batch_item_failures=True,
                on_failure_queue=dispatch_failures,
            ),
        ),
        schedules=(Schedule(f"{name}-sweep", "rate(1 minute)", sweeper.name),),
        queues=(dispatch_failures,),
        buckets=(settings.bucket,),
        lifecycle_rules=(LifecycleRule(settings.bucket, f"{OUTPUTS}/", OUTPUT_DAYS),),
        secrets=(settings.jwt_keys_secret,),
    )


def _named_settings(name: str) -> dict[str, str]:
    return {
        "connections_table": f"{name}-connections",
        "requests_table": f"{name}-requests",
        "subscriptions_table": f"{name}-subscriptions",
        "counters_table": f"{name}-counters",
        "records_table": f"{name}-records",
        "bucket": f"{name}-files",
        "executor_function": f"{name}-executor",
        "jwt_keys_secret": f"{name}/jwt-keys",
    }


def _tables(settings: Settings) -> tuple[Table, ...]:
    """Return the store's tables under their names in the account."""
    names = table_names(settings)
    tables = (CONNECTIONS, REQUESTS, SUBSCRIPTIONS, COUNTERS, RECORDS)
    return tuple(replace(table, name=names[table.name]) for table in tables)
