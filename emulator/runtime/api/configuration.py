"""A function's configuration: how it is described, and how a request changes it. Pure.

Source:
    `FunctionConfiguration` and `UpdateFunctionConfiguration` of the service model; the limits are Lambda's
    quotas (row E25).
"""

from dataclasses import dataclass
from typing import Any

from emulator.application import Destination, Function, LogFormat, LoggingConfig, Service
from emulator.application.quotas import (
    APPLICATION_LOG_LEVELS,
    DEAD_LETTER_SERVICES,
    EPHEMERAL_STORAGE_MB,
    MEMORY_MB,
    SYSTEM_LOG_LEVELS,
    TIMEOUT_S,
)
from emulator.aws_validation import Members, invalid
from emulator.clock import timestamp
from emulator.invocation import LATEST
from emulator.runtime.api.code_facts import CodeFacts
from emulator.runtime.api.environment import read_environment
from emulator.runtime.api.records import FunctionRecord
from emulator.runtime.variables import runtime_name, runtime_version_arn

_HARMLESS: dict[str, tuple[Any, ...]] = {
    "KMSKeyArn": ("",),
    "TracingConfig": ({}, {"Mode": "PassThrough"}),
    "SnapStart": ({}, {"ApplyOn": "None"}),
    "Layers": ([],),
    "FileSystemConfigs": ([],),
    "VpcConfig": ({}, {"SubnetIds": [], "SecurityGroupIds": []}),
    "ImageConfig": ({},),
}
"""Members that the sandbox does nothing with, and the values that ask for nothing."""

_KNOWN = {
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "RevisionId",
    "Role",
    "Runtime",
    "Timeout",
}


def describe(
    function: Function, record: FunctionRecord, code: CodeFacts, *, listed: bool = False
) -> dict[str, Any]:
    """Return a function's `FunctionConfiguration`.

    Args:
        listed: as lists have it, without the state and the runtime's version.
    """
    runtime = runtime_name()
    described: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": runtime,
        "Role": record.role,
        "Handler": function.handler,
        "CodeSize": code.size,
        "CodeSha256": code.sha256,
        "Description": record.description,
        "Timeout": max(1, round(function.timeout_s)),
        "MemorySize": function.memory_mb,
        "LastModified": timestamp(record.modified_at).replace("Z", "+0000"),
        "Version": LATEST,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": record.revision_id,
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": function.ephemeral_storage_mb},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": _describe_logging(function),
    }
    if function.environment:
        described["Environment"] = {"Variables": dict(function.environment)}
    if function.dead_letter is not None:
        described["DeadLetterConfig"] = {"TargetArn": function.dead_letter.arn}
    if not listed:
        described |= {
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version_arn()},
        }
    return described


@dataclass(frozen=True, slots=True)
class Changes:
    """What a request changes.

    Attributes:
        function: fields of `Function`.
        record: fields of `FunctionRecord`.
        revision_id: that the caller expects the function to have, or None.
    """

    function: dict[str, Any]
    record: dict[str, Any]
    revision_id: str | None


def read_changes(function: Function, members: Members, values: dict[str, Any]) -> Changes:
    """Return what an `UpdateFunctionConfiguration` changes; what it does not name stays.

    Args:
        values: the same body as `members`.

    Raises:
        ApiError: a value is out of its range, or asks for what the sandbox does not emulate.
    """
    storage = members.structure("EphemeralStorage")
    logging = members.structure("LoggingConfig")
    environment = members.structure("Environment")
    dead_letter = members.structure("DeadLetterConfig")
    found = {
        "timeout_s": members.integer("Timeout", *TIMEOUT_S),
        "memory_mb": members.integer("MemorySize", *MEMORY_MB),
        "handler": members.text("Handler", pattern=r"[^\s]+", most=128),
        "ephemeral_storage_mb": storage.integer("Size", *EPHEMERAL_STORAGE_MB) if storage else None,
        "logging": _read_logging(function, logging) if logging else None,
        "environment": read_environment(environment) if environment else None,
    }
    record = {
        "role": members.text(
            "Role", pattern=r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
        ),
        "description": members.text("Description", most=256),
    }
    runtime, revision_id = members.text("Runtime"), members.text("RevisionId")
    target = dead_letter.text("TargetArn") if dead_letter else None
    members.check()
    if runtime not in (None, runtime_name()):
        raise invalid(
            f"The runtime {runtime} is not emulated; functions run in the sandbox's own, {runtime_name()}."
        )
    _refuse_unknown(values)
    changes: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
    if dead_letter is not None:
        changes["dead_letter"] = read_dead_letter(target)
    return Changes(changes, {name: value for name, value in record.items() if value is not None}, revision_id)


def read_dead_letter(arn: str | None) -> Destination | None:
    """Return the queue or topic of a `DeadLetterConfig`; nothing and `""` take it away. Raises ApiError."""
    if not arn:
        return None
    destination = read_destination(arn)
    if destination is None or destination.service not in DEAD_LETTER_SERVICES:
        raise invalid(f"{arn!r} cannot take dead letters; name an SQS queue or SNS topic of this account.")
    return destination


def read_destination(arn: str) -> Destination | None:
    """Return the destination of this account and region that an ARN names, or None."""
    try:
        destination = Destination.of_arn(arn)
    except ValueError:
        return None
    if destination.service is Service.FUNCTION:
        destination = Destination.function(destination.name.removesuffix(f":{LATEST}"))
        arn = arn.removesuffix(f":{LATEST}")
    return destination if destination.arn == arn else None


def _refuse_unknown(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is None or name in _KNOWN:
            continue
        if name in _HARMLESS and value in _HARMLESS[name]:
            continue
        raise invalid(f"{name} is not emulated; leave it out of the request.")


def _describe_logging(function: Function) -> dict[str, Any]:
    logging = function.logging
    described = {"LogFormat": str(logging.format), "LogGroup": function.log_group}
    if logging.format is LogFormat.JSON:
        described["ApplicationLogLevel"] = logging.application_level
        described["SystemLogLevel"] = logging.system_level
    return described


def _read_logging(function: Function, members: Members) -> LoggingConfig | None:
    own = LoggingConfig()
    form = members.text("LogFormat", choices=tuple(LogFormat))
    application = members.text("ApplicationLogLevel", choices=APPLICATION_LOG_LEVELS)
    system = members.text("SystemLogLevel", choices=SYSTEM_LOG_LEVELS)
    group = members.text("LogGroup")
    if group not in (None, function.log_group):
        raise invalid(f"LogGroup is {group!r}; another one than {function.log_group} is not emulated.")
    members.check()
    chosen = function.logging.format if form is None else LogFormat(form)
    if chosen is LogFormat.TEXT and (application or system):
        raise invalid("Log levels need the log format JSON; set LogFormat to JSON or leave the levels out.")
    return LoggingConfig(chosen, application or own.application_level, system or own.system_level)
