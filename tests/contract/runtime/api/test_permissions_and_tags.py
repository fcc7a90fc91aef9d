"""Policies and tags through boto3."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulator.application import Function
from emulator.runtime import LambdaService

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
CallApi = Callable[..., Awaitable[Any]]
CodeOf = Callable[[Any], tuple[str, str]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:echo"
STATEMENT = {
    "FunctionName": "echo",
    "StatementId": "gateway",
    "Action": "lambda:InvokeFunction",
    "Principal": "apigateway.amazonaws.com",
}


async def test_a_policys_life(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """Statements are added, shown as a policy, and removed; an id is there once."""
    ask = await call_api(await serve(function("echo")))
    none = await ask("get_policy", FunctionName="echo")
    added = await ask(
        "add_permission",
        **STATEMENT,
        SourceArn="arn:aws:execute-api:us-east-1:000000000000:api/*",
        SourceAccount="000000000000",
    )
    twice = await ask("add_permission", **STATEMENT)
    found = await ask("get_policy", FunctionName="echo")
    stale = await ask("remove_permission", FunctionName="echo", StatementId="gateway", RevisionId="other")
    removed = await ask(
        "remove_permission",
        FunctionName="echo",
        StatementId="gateway",
        RevisionId=found["RevisionId"],
    )
    missing = await ask("remove_permission", FunctionName="echo", StatementId="gateway")
    statement = {
        "Sid": "gateway",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:000000000000:api/*"},
        },
    }
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert json.loads(added["Statement"]) == statement
    assert json.loads(found["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [statement],
    }
    assert code_of(twice)[0] == "ResourceConflictException"
    assert code_of(stale)[0] == "PreconditionFailedException"
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(none)[0] == code_of(missing)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", "*"),
        ("123456789012", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("arn:aws:iam::123456789012:user/a", {"AWS": "arn:aws:iam::123456789012:user/a"}),
    ],
)
async def test_principals(
    serve: Serve, function: Make, call_api: CallApi, principal: str, expected: Any
) -> None:
    """A principal is a service, an account, an identity or everybody."""
    ask = await call_api(await serve(function("echo")))
    added = await ask("add_permission", **{**STATEMENT, "Principal": principal})
    assert json.loads(added["Statement"])["Principal"] == expected


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"StatementId": "not an id"}, "ValidationException"),
        ({"Action": "s3:GetObject"}, "ValidationException"),
        ({"Principal": None}, "ValidationException"),
        ({"FunctionUrlAuthType": "NONE"}, "InvalidParameterValueException"),
    ],
)
async def test_statements_that_are_refused(
    serve: Serve, function: Make, call_api: CallApi, change: dict[str, Any], error: str
) -> None:
    """A statement that is none, or that says what is not kept, is refused."""
    ask = await call_api(await serve(function("echo")))
    asked = {name: value for name, value in {**STATEMENT, **change}.items() if value is not None}
    assert (await ask("add_permission", **asked)).response["Error"]["Code"] == error


async def test_policies_have_an_end(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """A policy has 20 KB at most, so that it cannot grow without bound."""
    ask = await call_api(await serve(function("echo")))
    for number in range(12):
        answer = await ask(
            "add_permission", **{**STATEMENT, "StatementId": str(number)}, SourceArn=f"arn:{'x' * 2000}"
        )
        if isinstance(answer, Exception):
            break
    assert code_of(answer)[0] == "PolicyLengthExceededException"


async def test_tags(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """Tags are set, replaced, shown and removed; a function has 50 at most."""
    ask = await call_api(await serve(function("echo")))
    empty = await ask("list_tags", Resource=ARN)
    await ask("tag_resource", Resource=ARN, Tags={"a": "1", "b": "2"})
    await ask("tag_resource", Resource=ARN, Tags={"a": "3"})
    whole = await ask("get_function", FunctionName="echo")
    removed = await ask("untag_resource", Resource=ARN, TagKeys=["b", "never there"])
    found = await ask("list_tags", Resource=ARN)
    many = await ask("tag_resource", Resource=ARN, Tags={str(n): "" for n in range(50)})
    long = await ask("tag_resource", Resource=ARN, Tags={"a": "x" * 257})
    missing = await ask("list_tags", Resource=ARN.replace("echo", "missing"))
    assert empty["Tags"] == {}
    assert whole["Tags"] == {"a": "3", "b": "2"}
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert found["Tags"] == {"a": "3"}
    assert code_of(many)[0] == code_of(long)[0] == "InvalidParameterValueException"
    assert code_of(missing)[0] == "ResourceNotFoundException"
