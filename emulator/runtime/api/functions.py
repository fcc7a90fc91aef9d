"""Functions: what they are, and changes of their configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.account import REGION
from emulator.application import Function
from emulator.aws_api import Response, read_object
from emulator.aws_paging import page
from emulator.aws_validation import Members, not_found
from emulator.invocation import LATEST
from emulator.runtime.api.code_facts import code_facts
from emulator.runtime.api.configuration import describe, read_changes
from emulator.runtime.api.records import Records, check_revision
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.service import LambdaService

MAX_PAGE = 50
"""Items that a page has at most, whatever is asked for. Lambda API reference, `ListFunctions`."""

ACCOUNT_CONCURRENCY = 1000
"""Invocations at a time that an account may have by default. Lambda quotas."""

_CODE_LIMITS = {
    "TotalCodeSize": 80_530_636_800,
    "CodeSizeUnzipped": 262_144_000,
    "CodeSizeZipped": 52_428_800,
}
"""Bytes. Lambda quotas."""


class Functions:
    """Describes and configures the service's functions."""

    def __init__(self, service: LambdaService, records: Records) -> None:
        self._service = service
        self._records = records

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return {
            "ListFunctions": self.list,
            "GetFunction": self.get,
            "GetFunctionConfiguration": self.get_configuration,
            "UpdateFunctionConfiguration": self.update_configuration,
            "ListVersionsByFunction": self.list_versions,
            "ListAliases": self.list_aliases,
            "GetAlias": self.no_alias,
            "UpdateAlias": self.no_alias,
            "DeleteAlias": self.no_alias,
            "GetAccountSettings": self.account_settings,
        }

    async def list(self, request: Request) -> Response:
        """`ListFunctions`; a page has 50 at most."""
        functions = list(self._service.functions.values())
        if request.argument("MasterRegion") not in (None, "ALL", REGION):
            functions = []  # none is a replica
        described = [self._describe(function, listed=True) for function in functions]
        if request.argument("FunctionVersion") == "ALL":
            described = [_versioned(one) for one in described]
        return Response.of(page("Functions", described, request.query, key="FunctionArn", most=MAX_PAGE))

    async def get(self, request: Request) -> Response:
        """`GetFunction`."""
        function = request.function(self._service)
        answer: dict[str, Any] = {
            "Configuration": self._describe(function),
            "Code": {"RepositoryType": "local", "Location": function.code.absolute().as_uri()},
        }
        if tags := self._records[function.name].tags:
            answer["Tags"] = tags
        if function.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return Response.of(answer)

    async def get_configuration(self, request: Request) -> Response:
        """`GetFunctionConfiguration`."""
        return Response.of(self._describe(request.function(self._service)))

    async def update_configuration(self, request: Request) -> Response:
        """`UpdateFunctionConfiguration`; in force for the next invocation."""
        function = request.function(self._service)
        record = self._records[function.name]
        values = read_object(request.body)
        changes = read_changes(function, Members(values), values)
        check_revision(changes.revision_id, record.revision_id)
        for name, value in changes.record.items():
            setattr(record, name, value)
        self._records.touch(record)
        return Response.of(self._describe(self._service.configure(function.name, **changes.function)))

    async def list_versions(self, request: Request) -> Response:
        """`ListVersionsByFunction`: `$LATEST` alone."""
        described = _versioned(self._describe(request.function(self._service), listed=True))
        return Response.of(page("Versions", [described], request.query, key="Version", most=MAX_PAGE))

    async def list_aliases(self, request: Request) -> Response:
        """`ListAliases`: none."""
        request.function(self._service)
        return Response.of({"Aliases": []})

    async def no_alias(self, request: Request) -> Response:
        """Say that there is no such alias, whatever was to be done with it."""
        function = request.function(self._service)
        raise not_found(f"Cannot find alias arn: {function.arn}:{request.parameters['Name']}")

    async def account_settings(self, request: Request) -> Response:
        """`GetAccountSettings`."""
        functions = list(self._service.functions.values())
        return Response.of(
            {
                "AccountLimit": {
                    **_CODE_LIMITS,
                    "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
                    "UnreservedConcurrentExecutions": unreserved_concurrency(functions),
                },
                "AccountUsage": {
                    "TotalCodeSize": sum(code_facts(function).size for function in functions),
                    "FunctionCount": len(functions),
                },
            }
        )

    def _describe(self, function: Function, *, listed: bool = False) -> dict[str, Any]:
        return describe(function, self._records[function.name], code_facts(function), listed=listed)


def unreserved_concurrency(functions: Sequence[Function]) -> int:
    """Return what the functions leave of the account's concurrency."""
    return ACCOUNT_CONCURRENCY - sum(function.reserved_concurrency or 0 for function in functions)


def _versioned(described: dict[str, Any]) -> dict[str, Any]:
    return {**described, "FunctionArn": f"{described['FunctionArn']}:{LATEST}"}
