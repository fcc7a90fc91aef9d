"""The DynamoDB service of LocalStack: every call is one operation on moto's tables."""

import functools
import hashlib
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

from .engine import quick
from .engine.clock import CLOCK
from .engine.conditions import RESERVED
from .engine.limits import Invalid, Schema
from .engine.operation import Operation, when_done
from .engine.requests import prepare
from .engine.required import Missing, check_required, missing_of
from .engine.schemas import schema_of
from .engine.transactions import TOKENS, TokenMismatch
from .plain import JSON

Handler = Callable[[RequestContext, ServiceRequest], Response]

_QUICK = {"GetItem", "PutItem", "UpdateItem", "TransactGetItems"}
_WRITES_OF_ONE_ITEM = {"PutItem", "UpdateItem", "DeleteItem"}


class EmbeddedDynamoDB:
    """What LocalStack calls a provider. The tables are moto's, one set per account and region."""

    service = "dynamodb"


def dispatch_table(_provider: EmbeddedDynamoDB) -> dict[str, Handler]:
    """Return a handler per operation name."""
    return {name: _handler(name) for name in _missing()}


@functools.cache
def _missing() -> dict[str, Missing | None]:
    """Return what looks for members that lack, by the names of the operations that there are."""
    service = load_service("dynamodb")
    return {
        name: missing_of(service.operation_model(name).input_shape)
        for name in service.operation_names
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


def perform(
    operation: str, body: dict[str, Any], account: str, region: str, *, waits: bool = True
) -> tuple[int, str]:
    """Do what a request asks for; return the status and the body of the answer.

    Args:
        body: read, by `bodies`; it is altered.
        waits: for what another thread does with the tables.

    Raises:
        Busy: it would have to wait, and is not to.
    """
    moto = DynamoHandler()
    moto.body = body
    moto.current_account = account
    moto.region = region
    moto.response_headers = {}

    def find_schema(name: str) -> Schema:
        return schema_of(moto.dynamodb_backend.get_table(name))

    try:
        check_required(_missing()[operation], body)
        with Operation(waits=waits):
            prepare(operation, body, find_schema, RESERVED)
            result = _quick(operation, moto) or _once(moto, _call(operation, moto))
            if isinstance(result, tuple):
                status, _, text = result
                return status, text
            return 200, _as_aws_says(operation, body, result) or "{}"
    except Invalid as error:
        return 400, _error("ValidationException", str(error))
    except TokenMismatch:
        message = "Request token was used before with other parameters"
        return 400, _error("IdempotentParameterMismatchException", message)
    except HTTPException as error:
        return error.code or 400, error.description or "{}"


def _handler(operation: str) -> Handler:
    def handle(context: RequestContext, _request: ServiceRequest) -> Response:
        status, text = perform(operation, context.streamer_body, context.account_id, context.region)
        return answer(context, text, status)

    return handle


def _quick(operation: str, moto: DynamoHandler) -> tuple[int, dict[str, str], str] | None:
    if operation not in _QUICK:
        return None
    body = quick.answer(operation, moto.body, moto.dynamodb_backend.get_table)
    return None if body is None else (200, {}, body)


def _call(operation: str, moto: DynamoHandler) -> Callable[[], Any]:
    """Return moto's way; without its look for capacity, which reads the whole answer again, unless asked."""
    call = getattr(DynamoHandler, xform_name(operation))
    if moto.body.get("ReturnConsumedCapacity", "NONE") == "NONE":
        call = getattr(call, "__wrapped__", call)
    return functools.partial(call, moto)


def _once(moto: DynamoHandler, call: Callable[[], Any]) -> Any:
    """Call, unless this is a transaction that was done already: then nothing happens a second time."""
    token = moto.body.get("ClientRequestToken")
    if token is None:
        return call()
    place = moto.current_account, moto.region, token
    actions = json.dumps(moto.body.get("TransactItems"), sort_keys=True)
    digest = hashlib.sha256(actions.encode()).digest()
    if TOKENS.is_repeated(place, digest, CLOCK.now()):
        return "{}"
    when_done(lambda: TOKENS.remember(place, digest, CLOCK.now()))
    return call()


def _error(code: str, message: str) -> str:
    return json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message})


def _as_aws_says(operation: str, request: dict[str, Any], body: str) -> str:
    """Leave out what moto adds to a write or a count, and add what it leaves out of a batch's rest."""
    if operation == "BatchGetItem" and '"UnprocessedKeys": {}' not in body:
        said = json.loads(body)
        for table, rest in said["UnprocessedKeys"].items():
            said["UnprocessedKeys"][table] = {**request["RequestItems"][table], **rest}
        return json.dumps(said)
    if operation == "Scan" and request.get("Select") == "COUNT":
        said = json.loads(body)
        said.pop("Items", None)
        return json.dumps(said)
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
