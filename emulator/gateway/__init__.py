"""The WebSocket API's front door: connections, routes, `@connections`, limits.

`Gateway` is the application, `GatewayServer` its two ports. The rules (`events`, `routing`, `responses`,
`identifiers`) are functions of values; `protocols` is the only module that knows uvicorn's inside.
"""

from emulator.gateway.certificates import Certificate, create_certificate
from emulator.gateway.gateway import Gateway
from emulator.gateway.server import GatewayServer
from emulator.gateway.settings import GatewaySettings

__all__ = ["Certificate", "Gateway", "GatewayServer", "GatewaySettings", "create_certificate"]
