"""Resource policies: kept and shown, not enforced.

In the sandbox a gateway may call every function that its routes name. On AWS a function without the
permission for `apigateway.amazonaws.com` gives the error frame of row A28.
"""

import json
from collections.abc import Mapping
from typing import Any

from emulator.application import Function
from emulator.aws_api import ApiError, Response
from emulator.aws_validation import Members, invalid, not_found
from emulator.runtime.api.records import Records, check_revision
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.service import LambdaService

MAX_POLICY_BYTES = 20_480
"""Of a function's policy. Lambda quotas."""

_NOT_KEPT = ("EventSourceToken", "FunctionUrlAuthType", "InvokedViaFunctionUrl")


class Permissions:
    """Keeps the statements of the functions' policies."""

    def __init__(self, service: LambdaService, records: Records) -> None:
        self._service = service
        self._records = records

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return {"AddPermission": self.add, "GetPolicy": self.get, "RemovePermission": self.remove}

    async def add(self, request: Request) -> Response:
        """`AddPermission`."""
        function = request.function(self._service)
        record = self._records[function.name]
        members = request.members()
        statement = _statement(function, members)
        check_revision(members.text("RevisionId"), record.policy_revision_id)
        if statement["Sid"] in record.statements:
            raise ApiError(
                409,
                "ResourceConflictException",
                f"The statement id ({statement['Sid']}) provided already exists. Please provide a new"
                " statement id, or remove the existing statement.",
            )
        if len(_policy({**record.statements, statement["Sid"]: statement})) > MAX_POLICY_BYTES:
            raise ApiError(
                400,
                "PolicyLengthExceededException",
                f"The policy is larger than {MAX_POLICY_BYTES} bytes; remove statements.",
            )
        record.statements[statement["Sid"]] = statement
        self._records.touch_policy(record)
        return Response.of({"Statement": _json(statement)}, 201)

    async def get(self, request: Request) -> Response:
        """`GetPolicy`."""
        record = self._records[request.function(self._service).name]
        if not record.statements:
            raise not_found("The resource you requested does not exist.")
        return Response.of({"Policy": _policy(record.statements), "RevisionId": record.policy_revision_id})

    async def remove(self, request: Request) -> Response:
        """`RemovePermission`."""
        record = self._records[request.function(self._service).name]
        statement_id = request.parameters["StatementId"]
        if statement_id not in record.statements:
            raise not_found(f"Statement {statement_id} is not found in resource policy.")
        check_revision(request.argument("RevisionId"), record.policy_revision_id)
        del record.statements[statement_id]
        self._records.touch_policy(record)
        return Response(204)


def _statement(function: Function, members: Members) -> dict[str, Any]:
    for name in ("StatementId", "Action", "Principal"):
        members.required(name)
    statement_id = members.text("StatementId", pattern="[a-zA-Z0-9-_]+", most=100)
    action = members.text("Action", pattern=r"(lambda:[*]|lambda:[a-zA-Z]+|[*])")
    principal = members.text("Principal", pattern=r"[^\s]+")
    source_arn = members.text("SourceArn", pattern=r"arn:.+")
    source_account = members.text("SourceAccount", pattern=r"\d{12}")
    organization = members.text("PrincipalOrgID", pattern="o-[a-z0-9]{10,32}")
    members.check()
    for name in _NOT_KEPT:
        if name in members:
            raise invalid(f"{name} is not emulated; leave it out of the request.")
    assert principal is not None
    statement: dict[str, Any] = {
        "Sid": statement_id,
        "Effect": "Allow",
        "Principal": _principal(principal),
        "Action": action,
        "Resource": function.arn,
    }
    equal = {"AWS:SourceAccount": source_account, "aws:PrincipalOrgID": organization}
    condition: dict[str, Any] = {}
    if equal := {name: value for name, value in equal.items() if value}:
        condition["StringEquals"] = equal
    if source_arn:
        condition["ArnLike"] = {"AWS:SourceArn": source_arn}
    if condition:
        statement["Condition"] = condition
    return statement


def _principal(value: str) -> Any:
    if value == "*":
        return value
    if value.endswith(".amazonaws.com"):
        return {"Service": value}
    is_account = value.isdecimal() and len(value) == 12
    return {"AWS": f"arn:aws:iam::{value}:root" if is_account else value}


def _policy(statements: Mapping[str, dict[str, Any]]) -> str:
    return _json({"Version": "2012-10-17", "Id": "default", "Statement": list(statements.values())})


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
