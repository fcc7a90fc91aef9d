"""The protocol as JSON Schema, made from the structs: for clients in other languages, and for people.

`python -m streamer schema` prints it; `schema.json` beside this file is what it printed last.
"""

from typing import Any, get_args

import msgspec

from streamer.protocol.control import QUERIES, RequestList, RequestStatus, Subscribed
from streamer.protocol.limits import SUBPROTOCOL
from streamer.protocol.messages import Message, Request

DIALECT = "https://json-schema.org/draft/2020-12/schema"

CLIENT_MESSAGE = "ClientMessage"
"""What a client may send, by name among the definitions."""

SERVER_MESSAGE = "ServerMessage"
"""What a server may send."""

_DATA = (RequestStatus, Subscribed, RequestList)
_REFERENCE = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """Return the schema of every message, and of what the control actions take and answer.

    Shape:
        a message fits the whole if it fits `$defs/ClientMessage` or `$defs/ServerMessage`. The `data`
        of a response to `status` and `cancel` is `$defs/RequestStatus`, to `subscribe`
        `$defs/Subscribed`, to `list` `$defs/RequestList`.
    """
    _, definitions = msgspec.json.schema_components(
        [*get_args(Message), Request, *_DATA, *QUERIES.values()], ref_template=_REFERENCE
    )
    definitions = {
        name: _portable(_described(definition)) for name, definition in sorted(definitions.items())
    }
    definitions[CLIENT_MESSAGE] = {
        "description": "What a client sends; the payload of a control action is checked, too.",
        "allOf": [
            _refer("Request"),
            *(_query(action.value, kind.__name__) for action, kind in QUERIES.items()),
        ],
    }
    definitions[SERVER_MESSAGE] = {
        "description": "What a server sends.",
        "anyOf": [_refer(kind.__name__) for kind in get_args(Message)],
    }
    return {
        "$schema": DIALECT,
        "title": SUBPROTOCOL,
        "anyOf": [_refer(CLIENT_MESSAGE), _refer(SERVER_MESSAGE)],
        "$defs": definitions,
    }


def written() -> str:
    """Return the schema as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def _refer(name: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=name)}


def _query(action: str, name: str) -> dict[str, Any]:
    """Say that the payload of one control action is a query of its own."""
    return {
        "if": {"properties": {"action": {"const": action}}, "required": ["action"]},
        "then": {
            "properties": {"payload": _refer(name)},
            **({"required": ["payload"]} if _has_required_fields(name) else {}),
        },
    }


def _has_required_fields(name: str) -> bool:
    kind = next(kind for kind in QUERIES.values() if kind.__name__ == name)
    return any(field.required for field in msgspec.structs.fields(kind))


def _described(definition: dict[str, Any]) -> dict[str, Any]:
    """Keep the first paragraph of a docstring: the rest speaks to readers of Python."""
    description = definition.get("description")
    if description is None:
        return definition
    first = " ".join(line.strip() for line in description.split("\n\n")[0].splitlines())
    return {**definition, "description": first}


def _portable(schema: Any) -> Any:
    r"""Write patterns as JSON Schema does: its regular expressions have no `\Z`, and their `$` is the end."""
    match schema:
        case dict():
            return {
                key: value.replace(r"\Z", "$")
                if key == "pattern" and isinstance(value, str)
                else _portable(value)
                for key, value in schema.items()
            }
        case list():
            return [_portable(item) for item in schema]
        case _:
            return schema
