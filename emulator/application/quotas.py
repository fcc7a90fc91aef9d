"""What AWS allows a function's configuration to be. Lambda quotas and API reference (row E25)."""

import json
from collections.abc import Mapping

from emulator.application.destinations import Service
from emulator.application.functions import Function
from emulator.errors import InvalidApplication

TIMEOUT_S = (1, 900)
MEMORY_MB = (128, 10_240)
EPHEMERAL_STORAGE_MB = (512, 10_240)
EVENT_RETRY_ATTEMPTS = (0, 2)
EVENT_AGE_S = (60, 21_600)
"""The least and the greatest; of invocations of type `Event`: API reference, `FunctionEventInvokeConfig`."""

SUCCESS_SERVICES = (Service.FUNCTION, Service.QUEUE, Service.TOPIC)
"""What an on-success destination may be: a bucket takes failures only. API reference, `OnSuccess`."""

DEAD_LETTER_SERVICES = (Service.QUEUE, Service.TOPIC)
"""What takes dead letters. API reference, `DeadLetterConfig`."""

MAX_ENVIRONMENT_BYTES = 4096
"""Of a function's own environment variables together, as JSON."""

APPLICATION_LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SYSTEM_LOG_LEVELS = ("DEBUG", "INFO", "WARN")
"""Of `LoggingConfig`, least first."""

RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Variables that Lambda keeps for itself. Lambda Developer Guide, "Defined runtime environment variables"."""


def environment_bytes(variables: Mapping[str, str]) -> int:
    """Return how large environment variables are, as JSON."""
    return len(
        json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    )


def check_function(function: Function) -> None:
    """Refuse what `CreateFunction` would refuse.

    Raises:
        InvalidApplication: a value is out of its range.
    """
    ranges = (
        ("timeout", function.timeout_s, TIMEOUT_S, " seconds"),
        ("memory", function.memory_mb, MEMORY_MB, " MB"),
        ("ephemeral storage", function.ephemeral_storage_mb, EPHEMERAL_STORAGE_MB, " MB"),
        ("number of retries", function.asynchronous.maximum_retry_attempts, EVENT_RETRY_ATTEMPTS, ""),
        ("maximum event age", function.asynchronous.maximum_event_age_s, EVENT_AGE_S, " seconds"),
    )
    for what, value, (least, most), unit in ranges:
        if not least <= value <= most:
            raise InvalidApplication(
                f"The {what} of function {function.name} is {value:g}{unit}; Lambda takes {least} to {most}."
            )
    levels = (
        ("application", function.logging.application_level, APPLICATION_LOG_LEVELS),
        ("system", function.logging.system_level, SYSTEM_LOG_LEVELS),
    )
    for what, level, known in levels:
        if level not in known:
            raise InvalidApplication(
                f"The {what} log level of function {function.name} is {level!r}; Lambda knows"
                f" {', '.join(known)}."
            )
    if reserved := sorted(RESERVED_VARIABLES & function.environment.keys()):
        raise InvalidApplication(
            f"Function {function.name} sets the environment variables {', '.join(reserved)}, which Lambda"
            " sets itself; leave them out."
        )
    size_bytes = environment_bytes(function.environment)
    if size_bytes > MAX_ENVIRONMENT_BYTES:
        raise InvalidApplication(
            f"The environment variables of function {function.name} have {size_bytes} bytes; Lambda takes"
            f" {MAX_ENVIRONMENT_BYTES} in all: store what is large and pass its name."
        )
    on_success, dead_letter = function.asynchronous.on_success, function.dead_letter
    if on_success is not None and on_success.service not in SUCCESS_SERVICES:
        raise InvalidApplication(
            f"The on-success destination of function {function.name} is a bucket, which takes failures only;"
            " name a function, queue or topic."
        )
    if dead_letter is not None and dead_letter.service not in DEAD_LETTER_SERVICES:
        raise InvalidApplication(
            f"The dead letters of function {function.name} go to {dead_letter.arn}; name a queue or topic."
        )
