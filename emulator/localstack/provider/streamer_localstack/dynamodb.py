"""The DynamoDB service of LocalStack: every call is one operation on moto's tables."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from localstack.aws.api import RequestContext, ServiceRequest
from localstack.aws.spec import load_service
from localstack.http import Response
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from .engine.operation import Operation

JSON = "application/x-amz-json-1.0"

Handler = Callable[[RequestContext, ServiceRequest], Response]

_WRITES_OF_ONE_ITEM = {"PutItem", "UpdateItem", "DeleteItem"}


class EmbeddedDynamoDB:
    """What LocalStack calls a provider. The tables are moto's, one set per account and region."""

    service = "dynamodb"


def dispatch_table(_provider: EmbeddedDynamoDB) -> dict[str, Handler]:
    """Return a handler per operation name."""
    return {
        name: _handler(name)
        for name in load_service("dynamodb").operation_names
        if hasattr(DynamoHandler, xform_name(name))
    }


def answer(context: RequestContext, body: str, status: int = 200) -> Response:
    """Return a response that is sent as it is.

    LocalStack would parse it, only to write it again, which costs as much as the call.
    """
    if status < 400:
        context.service_response = {"body": "sent as it is"}
    content = body.encode()
    headers = {"x-amzn-RequestId": context.request_id, "x-amz-crc32": str(zlib.crc32(content))}
    return Response(content, status, headers, mimetype=JSON)


def _handler(operation: str) -> Handler:
    method = xform_name(operation)

    def handle(context: RequestContext, _request: ServiceRequest) -> Response:
        moto = DynamoHandler()
        moto.body = json.loads(context.request.data or b"{}")
        moto.current_account = context.account_id
        moto.region = context.region
        moto.headers = context.request.headers
        moto.response_headers = {}
        try:
            with Operation():
                result = getattr(moto, method)()
        except HTTPException as error:
            return answer(context, error.description or "{}", error.code or 400)
        if isinstance(result, tuple):
            status, _, body = result
            return answer(context, body, status)
        return answer(context, _as_aws_says(operation, moto.body, result) or "{}")

    return handle


def _as_aws_says(operation: str, request: dict[str, Any], body: str) -> str:
    """Leave out what moto adds to the answer of a write though the request did not ask for it."""
    if operation not in _WRITES_OF_ONE_ITEM:
        return body
    wants_values = request.get("ReturnValues", "NONE") != "NONE"
    wants_capacity = request.get("ReturnConsumedCapacity", "NONE") != "NONE"
    if not wants_values and not wants_capacity:
        return "{}"
    said = json.loads(body)
    kept = {"Attributes"} if wants_values and said.get("Attributes") else set()
    kept |= {"ConsumedCapacity"} if wants_capacity else set()
    return json.dumps({name: value for name, value in said.items() if name in kept})
