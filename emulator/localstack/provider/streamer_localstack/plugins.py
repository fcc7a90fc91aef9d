"""What LocalStack's plugin manager finds through our entry points."""

from localstack.runtime.server.core import RuntimeServer, RuntimeServerPlugin
from localstack.services.plugins import Service, aws_provider


@aws_provider(api="dynamodb", name="embedded")
def dynamodb() -> Service:
    from . import dynamodb as service
    from .engine import mend

    mend.install()
    return Service.for_provider(service.EmbeddedDynamoDB(), service.dispatch_table)


@aws_provider(api="dynamodbstreams", name="embedded")
def dynamodbstreams() -> Service:
    from . import dynamodbstreams as service
    from .engine import mend

    mend.install()
    return Service.for_provider(service.EmbeddedDynamoDBStreams(), service.dispatch_table)


class LoopbackServerPlugin(RuntimeServerPlugin):
    """LocalStack's web server on the socket that the emulator made (`GATEWAY_SERVER=loopback`)."""

    name = "loopback"

    def load(self, *_args: object, **_kwargs: object) -> RuntimeServer:
        from .server import LoopbackServer

        return LoopbackServer()
