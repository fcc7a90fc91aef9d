"""Event source mappings as Lambda's API has them: requests into mappings, mappings into answers. Pure.

Source:
    The service model of botocore, `lambda` 2015-03-31; answers and errors as recorded on AWS, 2024 and 2025.
"""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from emulator.account import ACCOUNT_ID, REGION
from emulator.application import Destination, QueueMapping, Service, StreamMapping
from emulator.aws_validation import Members, invalid, refuse_violations
from emulator.errors import InvalidApplication
from emulator.events.batches import Verdict
from emulator.events.filters import MAX_FILTERS, MAX_PATTERN_CHARACTERS, Filter
from emulator.events.mapping_limits import LIMITS, YOUNGEST_RECORD_AGE_S
from emulator.events.mapping_runner import Described
from emulator.events.queue_batches import CONCURRENCY


class Source(StrEnum):
    """What a mapping reads, by the service that stands in its ARN."""

    STREAM = "dynamodb"
    QUEUE = "sqs"

    @classmethod
    def of(cls, mapping: StreamMapping | QueueMapping) -> "Source":
        """Return what `mapping` reads."""
        return cls.QUEUE if isinstance(mapping, QueueMapping) else cls.STREAM


NO_RECORDS, OK, FAILED = "No records processed", "OK", "PROBLEM: Function call failed"
"""`LastProcessingResult`, as recorded on AWS."""

REPORT = "ReportBatchItemFailures"
"""The one of `FunctionResponseTypes`."""

_RESULTS = {None: NO_RECORDS, str(Verdict.SUCCEEDED): OK}
_NUMBERS = {
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "maximum_batching_window_s",
    "ParallelizationFactor": "parallelization_factor",
    "MaximumRetryAttempts": "maximum_retry_attempts",
    "MaximumRecordAgeInSeconds": "maximum_record_age_s",
}
_FLAGS = {"Enabled": "enabled", "BisectBatchOnFunctionError": "bisect_batch_on_function_error"}
_COMMON = {
    "Enabled",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FilterCriteria",
    "FunctionResponseTypes",
}
_STREAM_ONLY = {
    "ParallelizationFactor",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "TumblingWindowInSeconds",
}
_ELSEWHERE = {
    "EventSourceArn",
    "FunctionName",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Tags",
    "UUID",
}
"""Members that `api` reads, or that change nothing here."""


def changes(body: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return the fields of a `StreamMapping` or `QueueMapping` that a request names, with their values.

    Raises:
        ApiError: a value is not allowed, or not emulated.
    """
    given = {name: value for name, value in body.items() if value is not None}
    members = Members(given)
    _refuse_unknown(members, source)
    fields: dict[str, Any] = {
        field: members.integer(name, *LIMITS[field]) for name, field in _NUMBERS.items() if name in given
    }
    fields |= {field: members.flag(name) for name, field in _FLAGS.items() if name in given}
    members.check()
    _check_age(fields.get("maximum_record_age_s", -1))
    if "FunctionResponseTypes" in given:
        fields["report_batch_item_failures"] = _reports(members.texts("FunctionResponseTypes"))
    if "FilterCriteria" in given:
        fields["filters"] = [json.loads(pattern) for pattern in patterns(given) or ()]
    if (config := members.structure("DestinationConfig")) is not None:
        fields["on_failure"] = _on_failure(config, source)
    if (scaling := members.structure("ScalingConfig")) is not None:
        fields["maximum_concurrency"] = scaling.integer("MaximumConcurrency", CONCURRENCY[0], CONCURRENCY[-1])
        members.check()
    return fields


def patterns(body: Mapping[str, Any]) -> list[str] | None:
    """Return the filter patterns of a request as they were sent; None: it names no filters.

    Raises:
        ApiError: one is no pattern, or there are too many.
    """
    criteria = Members(body).structure("FilterCriteria")
    if criteria is None:
        return None
    found = [one.text("Pattern") or "" for one in criteria.structures("Filters")]
    if len(found) > MAX_FILTERS:
        refuse_violations(
            f"Value at 'filterCriteria.filters' failed to satisfy constraint: Member must have length less"
            f" than or equal to {MAX_FILTERS}"
        )
    refuse_violations(
        *(
            f"Value at 'filterCriteria.filters.{place}.member.pattern' failed to satisfy constraint: Member"
            f" must have length less than or equal to {MAX_PATTERN_CHARACTERS}"
            for place, pattern in enumerate(found, 1)
            if len(pattern) > MAX_PATTERN_CHARACTERS
        )
    )
    for pattern in found:
        try:
            Filter([json.loads(pattern)])
        except (InvalidApplication, ValueError, TypeError, RecursionError) as error:
            raise invalid("Invalid filter pattern definition.") from error
    return found


def describe(one: Described, *, sent_patterns: Sequence[str] | None = None) -> dict[str, Any]:
    """Return an `EventSourceMappingConfiguration`.

    Args:
        sent_patterns: the filters as a request had them; None: they were declared.
    """
    mapping = one.mapping
    told: dict[str, Any] = {
        "UUID": one.uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:event-source-mapping:{one.uuid}",
        "FunctionArn": Destination.function(mapping.function).arn,
        "LastModified": round(one.changed_at, 3),
        "State": str(one.state),
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": int(mapping.maximum_batching_window_s),
        "FunctionResponseTypes": [REPORT] if mapping.report_batch_item_failures else [],
    }
    if one.source_arn is not None:
        told["EventSourceArn"] = one.source_arn
    if mapping.filters:
        texts = sent_patterns or [json.dumps(pattern, separators=(",", ":")) for pattern in mapping.filters]
        told["FilterCriteria"] = {"Filters": [{"Pattern": text} for text in texts]}
    if isinstance(mapping, QueueMapping):
        return told | _of_queue(mapping)
    return told | _of_stream(mapping, one.last_result)


def _of_queue(mapping: QueueMapping) -> dict[str, Any]:
    told: dict[str, Any] = {"StateTransitionReason": "USER_INITIATED"}
    if mapping.maximum_concurrency is not None:
        told["ScalingConfig"] = {"MaximumConcurrency": mapping.maximum_concurrency}
    return told


def _of_stream(mapping: StreamMapping, last_result: str | None) -> dict[str, Any]:
    on_failure = {"Destination": mapping.on_failure.arn} if mapping.on_failure is not None else {}
    return {
        "StateTransitionReason": "User action",
        "StartingPosition": str(mapping.starting_position),
        "ParallelizationFactor": mapping.parallelization_factor,
        "MaximumRetryAttempts": mapping.maximum_retry_attempts,
        "MaximumRecordAgeInSeconds": mapping.maximum_record_age_s,
        "BisectBatchOnFunctionError": mapping.bisect_batch_on_function_error,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": on_failure},
        "LastProcessingResult": _RESULTS.get(last_result, FAILED),
    }


def _refuse_unknown(given: Members, source: Source) -> None:
    if source is Source.QUEUE:
        for name in given.names():
            if name in _STREAM_ONLY or name.startswith("StartingPosition"):
                raise invalid(f"{name} is not valid for SQS event sources.")
        allowed = _COMMON | _ELSEWHERE | {"ScalingConfig", "DestinationConfig"}
    else:
        allowed = _COMMON | _ELSEWHERE | _STREAM_ONLY | {"DestinationConfig"}
    for name in given.names():
        if name not in allowed:
            raise invalid(f"{name} is not emulated for {source} event sources; leave it out here.")
    if given.integer("TumblingWindowInSeconds", 0):
        raise invalid("Tumbling windows are not emulated; set TumblingWindowInSeconds to 0 here.")


def _check_age(seconds: int) -> None:
    if 0 <= seconds < YOUNGEST_RECORD_AGE_S:
        raise invalid(
            f"MaximumRecordAgeInSeconds is {seconds}; it may be -1, or {YOUNGEST_RECORD_AGE_S} and more."
        )


def _reports(types: Sequence[str]) -> bool:
    shown = f"Value '[{', '.join(types)}]' at 'functionResponseTypes' failed to satisfy constraint:"
    violations = []
    if any(one != REPORT for one in types):
        violations.append(
            f"{shown} Member must satisfy constraint: [Member must satisfy enum value set: [{REPORT}]]"
        )
    if len(types) > 1:
        violations.append(f"{shown} Member must have length less than or equal to 1")
    refuse_violations(*violations)
    return bool(types)


def _on_failure(config: Members, source: Source) -> Destination | None:
    failure, success = config.structure("OnFailure"), config.structure("OnSuccess")
    arn = failure.text("Destination") if failure is not None else None
    if (success is not None and success.names()) or (arn and source is Source.QUEUE):
        raise invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
    if not arn:
        return None
    try:
        destination = Destination.of_arn(arn)
    except ValueError:
        raise invalid(f"{arn} is no destination that is emulated; name a queue, topic or bucket.") from None
    if destination.service is Service.FUNCTION:
        raise invalid(f"{arn} is a function; a stream's on-failure destination is a queue, topic or bucket.")
    return destination
