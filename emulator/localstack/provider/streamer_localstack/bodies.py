"""Looks at the bodies of DynamoDB's requests before LocalStack reads them, which knows no wrong types."""

import functools
import json

from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.aws.spec import load_service
from localstack.http import Response

from .engine.serialization import Read, Unreadable, read, reader_of

SERVICES = ("dynamodb", "dynamodbstreams")

ERROR = "com.amazon.coral.service#SerializationException"


def look(chain: HandlerChain, context: RequestContext, response: Response) -> None:
    """Refuse a body that is not of its operation's input shape: a handler of LocalStack's request chain.

    One that is becomes `context.streamer_body`, so that it need not be parsed again.
    """
    if context.service is None or context.service.service_name not in SERVICES:
        return
    operation = context.request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    shape = reader(context.service.service_name, operation)
    if shape is None:
        return
    try:
        context.streamer_body = read(context.request.data, shape)
    except Unreadable as error:
        from .dynamodb import answer  # only here: moto takes long to load

        said = {"__type": ERROR, **({"Message": str(error)} if str(error) else {})}
        response.update_from(answer(context, json.dumps(said), 400))
        chain.stop()


@functools.cache
def reader(service: str, operation: str) -> Read | None:
    """Return what looks at bodies of an operation, None where there is no such operation, or no body."""
    model = load_service(service)
    if operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).input_shape
    return None if shape is None else reader_of(shape)
