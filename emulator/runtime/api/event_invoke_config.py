"""What is configured about asynchronous invocations: retries, age, destinations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.application import AsynchronousConfig, Destination, Function, Service
from emulator.application.quotas import EVENT_AGE_S, EVENT_RETRY_ATTEMPTS, SUCCESS_SERVICES
from emulator.aws_api import Response
from emulator.aws_paging import page
from emulator.aws_validation import Members, invalid, not_found
from emulator.invocation import LATEST
from emulator.runtime.api.configuration import read_destination
from emulator.runtime.api.functions import MAX_PAGE
from emulator.runtime.api.records import EventInvokeConfig, Records
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.service import LambdaService


class EventInvokeConfigs:
    """Configures asynchronous invocations; in force for events that wait already, too."""

    def __init__(self, service: LambdaService, records: Records) -> None:
        self._service = service
        self._records = records

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return {
            "PutFunctionEventInvokeConfig": self.put,
            "UpdateFunctionEventInvokeConfig": self.update,
            "GetFunctionEventInvokeConfig": self.get,
            "DeleteFunctionEventInvokeConfig": self.delete,
            "ListFunctionEventInvokeConfigs": self.list,
        }

    async def put(self, request: Request) -> Response:
        """`PutFunctionEventInvokeConfig`: what it does not name is unset."""
        function = request.function(self._service)
        return self._set(function, EventInvokeConfig(self._records.now()), request)

    async def update(self, request: Request) -> Response:
        """`UpdateFunctionEventInvokeConfig`: what it does not name stays."""
        function = request.function(self._service)
        return self._set(function, self._find(function), request)

    async def get(self, request: Request) -> Response:
        """`GetFunctionEventInvokeConfig`."""
        function = request.function(self._service)
        return Response.of(_describe(function, self._find(function)))

    async def delete(self, request: Request) -> Response:
        """`DeleteFunctionEventInvokeConfig`: Lambda's own values hold again."""
        function = request.function(self._service)
        self._find(function)
        self._records[function.name].event_invoke = None
        self._service.configure(function.name, asynchronous=AsynchronousConfig())
        return Response(204)

    async def list(self, request: Request) -> Response:
        """`ListFunctionEventInvokeConfigs`: of `$LATEST`, or nothing."""
        function = request.function(self._service)
        config = self._records[function.name].event_invoke
        described = [_describe(function, config)] if config is not None else []
        name = "FunctionEventInvokeConfigs"
        return Response.of(page(name, described, request.query, key="FunctionArn", most=MAX_PAGE))

    def _find(self, function: Function) -> EventInvokeConfig:
        config = self._records[function.name].event_invoke
        if config is None:
            raise not_found(f"The function {function.arn}:{LATEST} doesn't have an EventInvokeConfig")
        return config

    def _set(self, function: Function, base: EventInvokeConfig, request: Request) -> Response:
        config = replace(
            base,
            modified_at=self._records.now(),
            **_read(function, request.members(), functions=self._service.functions),
        )
        self._records[function.name].event_invoke = config
        self._service.configure(function.name, asynchronous=config.asynchronous())
        return Response.of(_describe(function, config))


def _read(function: Function, members: Members, *, functions: Mapping[str, Function]) -> dict[str, Any]:
    """Return the fields of `EventInvokeConfig` that a request sets. Raises ApiError."""
    attempts = members.integer("MaximumRetryAttempts", *EVENT_RETRY_ATTEMPTS)
    age_s = members.integer("MaximumEventAgeInSeconds", *EVENT_AGE_S)
    destinations = members.structure("DestinationConfig")
    arns = {}
    if destinations is not None:
        for name, field in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
            structure = destinations.structure(name)
            if structure is not None:
                arns[field] = structure.text("Destination", most=350) or ""
    members.check()
    if attempts is None and age_s is None and destinations is None:
        raise invalid("You must specify at least one of error handling or destination setting.")
    read: dict[str, Any] = {"maximum_retry_attempts": attempts, "maximum_event_age_s": age_s}
    read = {name: value for name, value in read.items() if value is not None}
    for field, arn in arns.items():
        read[field] = _destination(function, arn, functions, is_success=field == "on_success")
    return read


def _destination(
    function: Function, arn: str, functions: Mapping[str, Function], *, is_success: bool
) -> Destination | None:
    if not arn:
        return None
    destination = read_destination(arn)
    event = "success" if is_success else "failure"
    if destination is None:
        raise invalid(
            f"The on-{event} destination {arn!r} is not emulated; name a function, SQS queue or SNS topic"
            " of this account, or for failures an S3 bucket."
        )
    if destination == Destination.function(function.name):
        raise invalid("You can't specify the function as a destination for itself.")
    if destination.service is Service.FUNCTION and destination.name not in functions:
        raise invalid(f"The on-{event} destination {arn!r} is no function of the application.")
    if is_success and destination.service not in SUCCESS_SERVICES:
        raise invalid("An S3 bucket takes failures only; name another on-success destination.")
    return destination


def _describe(function: Function, config: EventInvokeConfig) -> dict[str, Any]:
    described: dict[str, Any] = {
        "LastModified": config.modified_at,
        "FunctionArn": f"{function.arn}:{LATEST}",
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success.arn} if config.on_success else {},
            "OnFailure": {"Destination": config.on_failure.arn} if config.on_failure else {},
        },
    }
    if config.maximum_retry_attempts is not None:
        described["MaximumRetryAttempts"] = config.maximum_retry_attempts
    if config.maximum_event_age_s is not None:
        described["MaximumEventAgeInSeconds"] = config.maximum_event_age_s
    return described
