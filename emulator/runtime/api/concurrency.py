"""Reserved concurrency, and provisioned concurrency as far as `$LATEST` has it on AWS: not at all."""

from collections.abc import Mapping
from dataclasses import replace

from emulator.aws_api import ApiError, Response
from emulator.aws_validation import invalid, not_found
from emulator.invocation import LATEST
from emulator.runtime.api.functions import unreserved_concurrency
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.service import LambdaService

LEAST_UNRESERVED = 100
"""What an account keeps of its concurrency for functions without a reservation. Lambda quotas."""


class Concurrency:
    """Reserves concurrency; in force for the next invocation."""

    def __init__(self, service: LambdaService) -> None:
        self._service = service

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return {
            "PutFunctionConcurrency": self.put,
            "GetFunctionConcurrency": self.get,
            "DeleteFunctionConcurrency": self.delete,
            "PutProvisionedConcurrencyConfig": self.put_provisioned,
            "GetProvisionedConcurrencyConfig": self.get_provisioned,
            "DeleteProvisionedConcurrencyConfig": self.delete_provisioned,
        }

    async def put(self, request: Request) -> Response:
        """`PutFunctionConcurrency`; 0 keeps the function from running."""
        function = request.function(self._service)
        members = request.members()
        members.required("ReservedConcurrentExecutions")
        reserved = members.integer("ReservedConcurrentExecutions", 0)
        members.check()
        functions = {
            **self._service.functions,
            function.name: replace(function, reserved_concurrency=reserved),
        }
        if unreserved_concurrency(list(functions.values())) < LEAST_UNRESERVED:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's"
                f" UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )
        self._service.configure(function.name, reserved_concurrency=reserved)
        return Response.of({"ReservedConcurrentExecutions": reserved})

    async def get(self, request: Request) -> Response:
        """`GetFunctionConcurrency`; an empty answer where nothing is reserved."""
        reserved = request.function(self._service).reserved_concurrency
        return Response.of({} if reserved is None else {"ReservedConcurrentExecutions": reserved})

    async def delete(self, request: Request) -> Response:
        """`DeleteFunctionConcurrency`; idempotent."""
        function = request.function(self._service)
        self._service.configure(function.name, reserved_concurrency=None)
        return Response(204)

    async def put_provisioned(self, request: Request) -> Response:
        """Refuse it as AWS does: there is no published version that could have it."""
        self._check_version(request)
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")

    async def get_provisioned(self, request: Request) -> Response:
        """`ListProvisionedConcurrencyConfigs` (nothing), or say that there is none."""
        if request.argument("List") == "ALL":
            request.function(self._service)
            return Response.of({"ProvisionedConcurrencyConfigs": []})
        self._check_version(request)
        raise ApiError(
            404,
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
        )

    async def delete_provisioned(self, request: Request) -> Response:
        """Do nothing, because there is nothing; idempotent as on AWS."""
        self._check_version(request)
        return Response(204)

    def _check_version(self, request: Request) -> None:
        name, qualifier = request.name()
        function = self._service.get_function(name)
        if qualifier not in (None, LATEST):
            raise not_found(f"Cannot find alias arn: {function.arn}:{qualifier}")
