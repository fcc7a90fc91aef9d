"""The WebSocket APIs of the suite. Most have `$connect` → connect and `$disconnect` → disconnect."""

from emulator.application import Authorizer, Route, Stage, Throttling, WebSocketApi

CONNECT = Route("$connect", "connect")
DISCONNECT = Route("$disconnect", "disconnect")
DEFAULT = Route("$default", "default")
REPLY = Route("reply", "reply", route_response=True)

MODEL = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["action", "amount"],
    "properties": {"action": {"type": "string"}, "amount": {"type": "integer", "minimum": 1}},
}

HURRIED_S = 0.2
"""Integration timeout of the routes called `hurried`."""


def _guarded(name: str, *sources: str) -> WebSocketApi:
    return WebSocketApi(
        name,
        [Route("$connect", "connect", authorizer="gatekeeper"), DISCONNECT, DEFAULT, REPLY],
        authorizers=[Authorizer("gatekeeper", "authorizer", sources)],
    )


APIS = (
    WebSocketApi(
        "main",
        [
            CONNECT,
            DISCONNECT,
            DEFAULT,
            REPLY,
            Route("silent", "silent"),
            Route("hurried", "hurried", timeout_s=HURRIED_S, route_response=True),
            Route("brief", "brief", route_response=True),
            Route("single", "single", route_response=True),
            Route("blocked", "blocked", route_response=True),
            Route("1", "reply", route_response=True),
            Route("true", "reply", route_response=True),
            Route("[a, b]", "reply", route_response=True),
        ],
        stages=[
            Stage("prod", variables={"colour": "blue"}),
            Stage("beta", variables={"colour": "green", "size": "2"}),
        ],
    ),
    WebSocketApi("undefaulted", [CONNECT, DISCONNECT, REPLY]),
    WebSocketApi("unconnected", [DISCONNECT, DEFAULT, REPLY]),
    WebSocketApi("bare", [Route("known", "reply", route_response=True)]),
    WebSocketApi("hurried", [Route("$connect", "connect", timeout_s=HURRIED_S), DISCONNECT, DEFAULT]),
    WebSocketApi("blocked", [Route("$connect", "blocked"), DISCONNECT, DEFAULT]),
    WebSocketApi("brief", [Route("$connect", "brief"), DISCONNECT, DEFAULT]),
    WebSocketApi("broken", [Route("$connect", "init-raises"), DISCONNECT, DEFAULT]),
    WebSocketApi("chatty", [Route("$connect", "connect", route_response=True), DISCONNECT, REPLY]),
    WebSocketApi(
        "nested",
        [CONNECT, DISCONNECT, DEFAULT, REPLY],
        route_selection_expression="$request.body.message.kind",
    ),
    WebSocketApi(
        "combined",
        [
            CONNECT,
            DISCONNECT,
            DEFAULT,
            Route("join-", "reply", route_response=True),
            Route("join-room", "reply", route_response=True),
        ],
        route_selection_expression="${request.body.action}-${request.body.place}",
    ),
    _guarded("guarded"),
    _guarded("guarded-by-header", "route.request.header.Auth"),
    _guarded("guarded-by-query", "route.request.querystring.token"),
    _guarded("guarded-by-both", "route.request.header.Auth", "route.request.querystring.token"),
    WebSocketApi(
        "keyed",
        [Route("$connect", "connect", api_key_required=True), DISCONNECT, DEFAULT],
        api_keys=["key-for-parity-tests"],
    ),
    WebSocketApi(
        "keyed-by-authorizer",
        [
            Route("$connect", "connect", authorizer="gatekeeper", api_key_required=True),
            DISCONNECT,
            DEFAULT,
        ],
        authorizers=[Authorizer("gatekeeper", "authorizer")],
        api_keys=["key-for-parity-tests"],
        api_key_selection_expression="$context.authorizer.usageIdentifierKey",
    ),
    WebSocketApi(
        "modelled",
        [CONNECT, DISCONNECT, Route("pay", "checked", route_response=True, model="payment")],
        models={"payment": MODEL},
    ),
    WebSocketApi(
        "throttled",
        [CONNECT, DISCONNECT, DEFAULT, Route("limited", "limited", route_response=True), REPLY],
        stages=[Stage("local", route_throttling={"limited": Throttling(rate_limit=0.01, burst_limit=1)})],
    ),
)
