"""Request models: the JSON schemas that messages must match, compiled once."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from emulator.errors import InvalidApplication

DRAFT_4 = "http://json-schema.org/draft-04/schema"
"""The only JSON Schema of API Gateway's models. API Gateway Developer Guide, "Data models"."""

_decode = msgspec.json.Decoder().decode


class Models:
    """The models of one API.

    Raises:
        InvalidApplication: one is no schema of draft 4, or refers to something outside itself.
    """

    def __init__(self, models: Mapping[str, Mapping[str, Any]]) -> None:
        self._validators = {name: _compile(name, schema) for name, schema in models.items()}

    def accepts(self, name: str, body: str) -> bool:
        """Tell whether a message matches the model called `name`. What is not JSON does not (row A31)."""
        from fastjsonschema import JsonSchemaValueException

        try:
            self._validators[name](_decode(body))
        except (msgspec.DecodeError, JsonSchemaValueException, RecursionError):
            return False
        return True


def _compile(name: str, schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    import fastjsonschema  # not at the top: few applications have models, and every start would wait for it

    try:
        # A copy: the compiler writes into what it is given.
        copy: dict[str, Any] = msgspec.convert(
            msgspec.json.decode(msgspec.json.encode(schema)), dict[str, Any]
        )
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidApplication(f"The model {name!r} is not a JSON object; write a JSON schema.") from error
    if str(copy.setdefault("$schema", DRAFT_4)).rstrip("#") != DRAFT_4:
        raise InvalidApplication(
            f"The model {name!r} is a schema of {copy['$schema']!r}; API Gateway takes draft 4: {DRAFT_4}#."
        )
    for reference in _references(copy):
        if not reference.startswith("#"):
            raise InvalidApplication(
                f"The model {name!r} refers to {reference!r}; write what it means under the model's own"
                " definitions and refer to #/definitions/NAME."
            )
    try:
        validator: Callable[[Any], Any] = fastjsonschema.compile(copy, use_default=False)
    except Exception as error:  # a wrong schema breaks the compiler in many ways
        raise InvalidApplication(
            f"The model {name!r} is not a JSON schema of draft 4 ({type(error).__name__}: {error}); mend it."
        ) from error
    return validator


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference
    members = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for member in members:
        yield from _references(member)
