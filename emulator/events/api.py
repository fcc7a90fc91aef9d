"""Lambda's API for event source mappings: create, get, list, update, delete.

Source:
    The service model of botocore, `lambda` 2015-03-31; answers and errors as recorded on AWS, 2024 and 2025.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from emulator.application import Function, QueueMapping, StartingPosition, StreamMapping
from emulator.aws_api import ApiError, Response, read_object
from emulator.aws_paging import page
from emulator.aws_validation import Members, invalid
from emulator.errors import InvalidApplication, QueueNotFound
from emulator.events.mapping_fields import Source, changes, describe, patterns
from emulator.events.mapping_runner import Described, EventSourceMapping, MappingInUse
from emulator.events.queue_batches import window_problem
from emulator.events.service import EventSources

PAGE_SIZE = 100
"""Mappings of one answer of ListEventSourceMappings at most. Lambda API reference, `MaxItems`."""

_PATH = re.compile(r"^/2015-03-31/event-source-mappings(?:/(?P<id>[^/]+))?/?$")
_SOURCE = re.compile(
    r"^arn:aws[a-z-]*:(?:dynamodb:[^:]*:[^:]*:table/(?P<table>[^/:]+)/stream/[^/]+"
    r"|sqs:[^:]*:[^:]*:(?P<queue>[^:/]+))$"
)


class EventSourceMappingsApi:
    """Answers what is asked under `/2015-03-31/event-source-mappings`.

    A change is answered at once with the state it leads through; what a mapping reads follows, within
    moments here and within minutes on AWS (row F44).

    Args:
        find_function: returns the function that a name, an ARN or a part of one means, or None.
    """

    def __init__(self, events: EventSources, *, find_function: Callable[[str], Function | None]) -> None:
        self._events = events
        self._find_function = find_function
        self._patterns: dict[str, list[str]] = {}

    async def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Response:
        """Answer one request. Raises ApiError, BackendFailed."""
        match = _PATH.match(path)
        mapping_id = match["id"] if match is not None else None
        if match is not None and mapping_id is None and method == "POST":
            return await self._create(read_object(body))
        if match is not None and mapping_id is None and method == "GET":
            return self._list(query)
        if mapping_id is not None and method == "GET":
            return self._described(self._get(mapping_id), 200)
        if mapping_id is not None and method == "PUT":
            return await self._update(self._get(mapping_id), read_object(body))
        if mapping_id is not None and method == "DELETE":
            return await self._delete(self._get(mapping_id))
        raise ApiError(
            501, "ServiceException", f"Event source mappings here have no operation {method} {path}."
        )

    async def _create(self, body: dict[str, Any]) -> Response:
        source_arn = Members(body).text("EventSourceArn")
        if source_arn is None:
            raise invalid("Unrecognized event source.")
        named = _SOURCE.match(source_arn)
        if named is None:
            raise invalid(
                f"{source_arn} is no event source that is emulated; name a DynamoDB stream or an SQS queue."
            )
        source = Source.QUEUE if named["queue"] else Source.STREAM
        fields = changes(body, source)
        if source is Source.STREAM:
            fields["starting_position"] = _starting_position(body, source_arn)
        function = self._function(body)
        mapping: EventSourceMapping
        try:
            if source is Source.STREAM:
                await self._check_stream(source_arn)
                mapping = StreamMapping(named["table"], function.name, **fields)
                self._refuse_duplicate(mapping, source_arn)
                mapping_id = await self._events.create(mapping, stream_arn=source_arn)
            else:
                mapping = QueueMapping(named["queue"], function.name, **fields)
                _check_window(mapping)
                self._refuse_duplicate(mapping, source_arn)
                mapping_id = await self._events.create(mapping)
        except (InvalidApplication, QueueNotFound) as error:
            raise _refusal(error) from error
        self._keep_patterns(mapping_id, body)
        return self._described(self._get(mapping_id), 202)

    def _list(self, query: Mapping[str, list[str]]) -> Response:
        mappings = self._events.mappings()
        if asked := query.get("FunctionName"):
            function = self._find_function(asked[0])
            name = function.name if function is not None else None
            mappings = [one for one in mappings if one.mapping.function == name]
        if asked := query.get("EventSourceArn"):
            mappings = [one for one in mappings if one.source_arn == asked[0]]
        described = [self._describe(one) for one in mappings]
        return Response.of(page("EventSourceMappings", described, query, key="UUID", most=PAGE_SIZE))

    async def _update(self, one: Described, body: dict[str, Any]) -> Response:
        if "StartingPosition" in body:
            raise invalid("StartingPosition cannot be updated; create another mapping.")
        fields = changes(body, Source.of(one.mapping))
        if body.get("FunctionName") is not None:
            fields["function"] = self._function(body).name
        mapping = replace(one.mapping, **fields)
        if isinstance(mapping, QueueMapping):
            _check_window(mapping)
        if mapping.function != one.mapping.function:
            self._refuse_duplicate(mapping, one.source_arn)
        try:
            await self._events.update(one.uuid, **fields)
        except MappingInUse as error:
            raise _in_use("update") from error
        except (InvalidApplication, QueueNotFound) as error:
            raise _refusal(error) from error
        self._keep_patterns(one.uuid, body)
        return self._described(self._get(one.uuid), 202)

    async def _delete(self, one: Described) -> Response:
        try:
            await self._events.delete(one.uuid)
        except MappingInUse as error:
            raise _in_use("delete") from error
        response = self._described(self._get(one.uuid), 202)
        self._patterns.pop(one.uuid, None)
        return response

    def _get(self, mapping_id: str) -> Described:
        for one in self._events.mappings():
            if one.uuid == mapping_id:
                return one
        raise ApiError(404, "ResourceNotFoundException", "The resource you requested does not exist.")

    def _function(self, body: Mapping[str, Any]) -> Function:
        function = self._find_function(Members(body).text("FunctionName") or "")
        if function is None:
            raise invalid("Function does not exist")
        return function

    async def _check_stream(self, stream_arn: str) -> None:
        if not await self._events.has_stream(stream_arn):
            raise invalid(f"Stream not found: {stream_arn}")

    def _refuse_duplicate(self, mapping: EventSourceMapping, source_arn: str | None) -> None:
        for one in self._events.mappings():
            if one.source_arn == source_arn and one.mapping.function == mapping.function:
                raise _duplicate(Source.of(mapping), str(source_arn), mapping.function, one.uuid)

    def _keep_patterns(self, mapping_id: str, body: Mapping[str, Any]) -> None:
        sent = patterns(body)
        if sent is not None:
            self._patterns[mapping_id] = sent

    def _describe(self, one: Described) -> dict[str, Any]:
        return describe(one, sent_patterns=self._patterns.get(one.uuid))

    def _described(self, one: Described, status: int) -> Response:
        return Response.of(self._describe(one), status)


def _starting_position(body: Mapping[str, Any], source_arn: str) -> StartingPosition:
    position = Members(body).text("StartingPosition")
    if position is None:
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint:"
            " Member must not be null."
        )
    if position == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {source_arn}")
    if position not in tuple(StartingPosition):
        raise ApiError(
            400,
            "ValidationException",
            f"1 validation error detected: Value '{position}' at 'startingPosition' failed to satisfy"
            " constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
        )
    if body.get("StartingPositionTimestamp") is not None:
        raise invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP")
    return StartingPosition(position)


def _check_window(mapping: QueueMapping) -> None:
    if (problem := window_problem(mapping)) is not None:
        raise invalid(problem)


def _refusal(error: Exception) -> ApiError:
    if isinstance(error, QueueNotFound):
        return invalid(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
            " SQS Error Message: The specified queue does not exist."
        )
    return invalid(str(error))


def _in_use(operation: str) -> ApiError:
    return ApiError(
        400, "ResourceInUseException", f"Cannot {operation} the event source mapping because it is in use."
    )


def _duplicate(source: Source, source_arn: str, function: str, mapping_id: str) -> ApiError:
    what = f'An event source mapping with SQS arn (" {source_arn} ") and function (" {function} ")'
    if source is Source.STREAM:
        what = f'The event source arn (" {source_arn} ") and function (" {function} ") provided mapping'
    return ApiError(
        409,
        "ResourceConflictException",
        f"{what} already exists. Please update or delete the existing mapping with UUID {mapping_id}",
    )
