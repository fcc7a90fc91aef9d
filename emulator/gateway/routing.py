"""Which route a message takes: route selection expressions, compiled once per API."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from emulator.application import Route
from emulator.errors import InvalidApplication

DEFAULT_ROUTE = "$default"
CONNECT_ROUTE = "$connect"
DISCONNECT_ROUTE = "$disconnect"

_NAME = r"[A-Za-z0-9_\-]+"
_REFERENCE = rf"request\.body(?P<{{0}}>(?:\.{_NAME}|\[\d+\]|\['[^']*'\])*)"
_TOKEN = re.compile(
    rf"\$\{{{_REFERENCE.format('braced')}\}}|\${_REFERENCE.format('plain')}(?![\w.\[-])|\\(?P<escaped>.)|(?P<text>[^$\\]+)",
    re.DOTALL,
)
_STEP = re.compile(rf"\.(?P<name>{_NAME})|\[(?P<index>\d+)\]|\['(?P<quoted>[^']*)'\]")
_decode = msgspec.json.Decoder().decode

Step = str | int
Part = str | tuple[Step, ...]


class RouteSelection:
    """A route selection expression, such as `$request.body.action` or `${request.body.a}/${request.body.b}`.

    Values become text: numbers and booleans as in JSON, arrays as `[item1, item2]`, a missing path or null
    as the empty text.

    Source:
        API Gateway Developer Guide, "Route selection expressions". The text of numbers, booleans and
        objects is by analogy.

    Raises:
        InvalidApplication: the expression refers to something other than `request.body`, or by a JSONPath
            with more than names and indexes.
    """

    def __init__(self, expression: str) -> None:
        self._parts = tuple(_parse(expression))

    def evaluate(self, body: str) -> str | None:
        """Return the expression's value for a message, or None if the message is not JSON."""
        try:
            document = _decode(body)
        except (msgspec.DecodeError, RecursionError):
            return None
        return "".join(
            part if isinstance(part, str) else _text(_find(document, part)) for part in self._parts
        )


class Router:
    """The routes of one API."""

    def __init__(self, expression: str, routes: Iterable[Route]) -> None:
        self._selection = RouteSelection(expression)
        by_key = {route.key: route for route in routes}
        self.connect = by_key.pop(CONNECT_ROUTE, None)
        self.disconnect = by_key.pop(DISCONNECT_ROUTE, None)
        self._default = by_key.get(DEFAULT_ROUTE)
        self._by_key: Mapping[str, Route] = by_key

    def find_message_route(self, body: str) -> Route | None:
        """Return the route whose key equals the expression's value, else `$default`, else None.

        A message never takes `$connect` or `$disconnect`, whatever its value says.
        """
        value = self._selection.evaluate(body)
        route = self._by_key.get(value) if value is not None else None
        return route if route is not None else self._default


def _parse(expression: str) -> Iterable[Part]:
    position = 0
    while position < len(expression):
        token = _TOKEN.match(expression, position)
        if token is None:
            raise InvalidApplication(
                f"The route selection expression {expression!r} is not understood at character {position};"
                " write $request.body.path (${request.body.path} before more text), \\$ for a dollar sign,"
                " or plain text."
            )
        position = token.end()
        path = token["braced"] if token["braced"] is not None else token["plain"]
        if path is not None:
            yield tuple(_steps(path))
        else:
            yield token["escaped"] or token["text"]


def _steps(path: str) -> Iterable[Step]:
    for step in _STEP.finditer(path):
        if step["index"] is not None:
            yield int(step["index"])
        else:
            yield step["name"] if step["name"] is not None else step["quoted"]


def _find(document: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(document, list) or step >= len(document):
                return None
            document = document[step]
        else:
            if not isinstance(document, dict):
                return None
            document = document.get(step)
    return document


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    return msgspec.json.encode(value).decode()
