"""LocalStack's web server, on a socket that is bound to loopback before LocalStack starts.

LocalStack's own server binds every interface whatever host it is told, and chooses no free port.
"""

import gc
import os
import socket
from typing import Any

from localstack.aws import handlers
from localstack.runtime.server.twisted import TwistedRuntimeServer
from localstack.services.plugins import SERVICE_PLUGINS
from rolo.gateway import Gateway
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor

from . import bodies, faults, routes
from .front import Front

SOCKET_VARIABLE = "EMULATOR_LISTENING_SOCKET"
"""Names the file descriptor of the socket, which listens on 127.0.0.1."""

PRELOADED = ("dynamodb", "dynamodbstreams")
"""Services that every sandbox calls first; they are loaded while the caller prepares its calls."""


class LoopbackServer(TwistedRuntimeServer):
    """Serves plain HTTP on the socket that the emulator passed on."""

    def register(self, gateway: Gateway, listen: list[Any], ssl_creds: tuple[str, str] | None = None) -> None:
        place = gateway.request_handlers.index(handlers.parse_service_request) + 1
        gateway.request_handlers.insert(place, faults.strike)
        gateway.request_handlers.insert(place - 1, bodies.look)
        gateway.request_handlers.insert(0, routes.guard)
        descriptor = int(os.environ[SOCKET_VARIABLE])
        os.set_blocking(descriptor, False)  # else the reactor waits for a second connection after each one
        front = Front(TwistedGateway(gateway))
        reactor.adoptStreamPort(descriptor, socket.AF_INET, front)
        os.close(descriptor)  # the reactor has a copy
        reactor.callWhenRunning(reactor.callInThread, _preload, front)


def _preload(front: Front) -> None:
    for service in PRELOADED:
        SERVICE_PLUGINS.require(service)
    front.get_ready()
    gc.freeze()  # what was loaded stays: the collector, which holds up every call, need not look at it again
