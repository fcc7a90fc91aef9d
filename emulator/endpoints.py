"""Where AWS is in the sandbox, as the functions are told in their environment variables."""

from collections.abc import Mapping, Sequence

from emulator.application import Function
from emulator.gateway import GatewayServer

_MANAGEMENT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"


class Endpoints:
    """The standard `AWS_ENDPOINT_URL*` variables; filled while the sandbox starts.

    A function behind a route posts to the API of that route, any other function to the first API; a
    function that serves several APIs or stages builds the URL from its event, as on AWS.
    """

    def __init__(self) -> None:
        self.common: dict[str, str] = {}
        self._management: dict[str, str] = {}
        self._first = ""

    def name_gateways(self, gateways: Sequence[GatewayServer]) -> None:
        """Take the gateways' addresses, once they listen."""
        self._first = gateways[0].management_url
        for server in gateways:
            for route in server.gateway.api.routes:
                self._management.setdefault(route.function, server.management_url)

    def of(self, function: Function) -> Mapping[str, str]:
        """Return the variables of one function."""
        return {**self.common, _MANAGEMENT: self._management.get(function.name, self._first)}
