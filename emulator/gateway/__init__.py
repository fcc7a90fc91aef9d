"""The WebSocket API's front door: connections, routes, `@connections`, limits.

`Gateway` is the application, `GatewayServer` its two ports. A handshake (`handshakes`) passes `authorization`
(`identity_sources`, `authorizers`, `policies`, `api_keys`), then `integrations`; a message passes `messages`
(`routing`, `models`), then `integrations`. `events` says what functions receive, `responses` what their
outcome means, `refusals` how a handshake is refused. Those rules are functions of values; `protocols` is the
only module that knows uvicorn's inside.
"""

from emulator.gateway.certificates import Certificate, create_certificate
from emulator.gateway.declarations import check_api
from emulator.gateway.gateway import Gateway
from emulator.gateway.server import GatewayServer
from emulator.gateway.settings import GatewaySettings
from emulator.gateway.throttling import AccountLimits, Throttle

__all__ = [
    "AccountLimits",
    "Certificate",
    "Gateway",
    "GatewayServer",
    "GatewaySettings",
    "Throttle",
    "check_api",
    "create_certificate",
]
