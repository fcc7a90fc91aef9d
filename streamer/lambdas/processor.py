"""The stream of the requests table: one invocation of the executor per request that waits."""

from typing import Any

from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.services import Event, Handler, LambdaContext, Services
from streamer.observability import bound
from streamer.processing.dispatch import Dispatcher


def build(services: Services) -> Handler:
    """Make the handler of the stream.

    Shape:
        event: DynamoDB stream records, filtered to STATE items that are PENDING; response
        `{"batchItemFailures": [{"itemIdentifier": sequence number}]}`.
    """
    client = services.client("lambda")

    def invoke(payload: bytes) -> None:
        client.invoke(
            FunctionName=services.settings.executor_function, InvocationType="Event", Payload=payload
        )

    dispatcher = Dispatcher(invoke, services.logger)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        with bound(aws_request_id=context.aws_request_id):
            return dispatcher.dispatch(event["Records"])

    return handle


__getattr__ = entry_point(build, "processor")
