"""Checks of what a request brings, in the words in which AWS refuses it. Pure.

Source:
    Lambda's answers to requests that the service model does not allow.
"""

import re
from collections.abc import Mapping
from typing import Any

from emulator.aws_api import ApiError, unreadable

_WORDS: Mapping[type, str] = {str: "STRING", int: "NUMBER", float: "DECIMAL"}


def invalid(message: str) -> ApiError:
    """Return the refusal of a value that has the right form and cannot be used."""
    return ApiError(400, "InvalidParameterValueException", message)


def not_found(message: str) -> ApiError:
    """Return the refusal of a name that nothing has."""
    return ApiError(404, "ResourceNotFoundException", message)


def refuse_violations(*violations: str) -> None:
    """Raise ApiError where there is any violation; it names all of them."""
    if violations:
        noun = "error" if len(violations) == 1 else "errors"
        text = f"{len(violations)} validation {noun} detected: {'; '.join(violations)}"
        raise ApiError(400, "ValidationException", text)


class Members:
    """The members of a request's body (or of a structure in it), read with their types.

    Violations of ranges and patterns are collected until `check`; a member of another type is refused
    at once, with `SerializationException`.
    """

    def __init__(
        self, values: Mapping[str, Any], violations: list[str] | None = None, path: str = ""
    ) -> None:
        self._values = values
        self._violations = violations if violations is not None else []
        self._path = path

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def check(self) -> None:
        """Raise ApiError where something violated its constraint."""
        refuse_violations(*self._violations)

    def names(self) -> list[str]:
        """Return the names of the members that have a value."""
        return [name for name, value in self._values.items() if value is not None]

    def integer(self, name: str, least: int, most: int | None = None) -> int | None:
        """Return a whole number within [least, most], or None where it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise _mistyped(value, "an Integer")
        if value < least:
            self._violate(name, value, f"Member must have value greater than or equal to {least}")
        elif most is not None and value > most:
            self._violate(name, value, f"Member must have value less than or equal to {most}")
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean, or None where it is not there."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            raise _mistyped(value, "a Boolean")
        return value

    def text(
        self, name: str, *, pattern: str | None = None, most: int | None = None, choices: tuple[str, ...] = ()
    ) -> str | None:
        """Return a string, or None where it is not there.

        Args:
            pattern: that all of it must match.
            most: characters.
            choices: what it may be; empty: anything.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise _mistyped(value, "a String")
        if choices and value not in choices:
            self._violate(name, value, f"Member must satisfy enum value set: [{', '.join(choices)}]")
        if pattern is not None and not re.fullmatch(pattern, value):
            self._violate(name, value, f"Member must satisfy regular expression pattern: {pattern}")
        if most is not None and len(value) > most:
            self._violate(name, value, f"Member must have length less than or equal to {most}")
        return value

    def structure(self, name: str) -> "Members | None":
        """Return the members of a structure, or None where it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise unreadable("Unexpected value type in payload")
        return Members(value, self._violations, f"{self._path}{_lower(name)}.")

    def structures(self, name: str) -> "list[Members]":
        """Return the members of each structure of a list; `[]` where it is not there."""
        listed = self._list(name)
        if not all(isinstance(value, dict) for value in listed):
            raise unreadable("Unexpected value type in payload")
        return [Members(value, self._violations, self._place(name, n)) for n, value in enumerate(listed, 1)]

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; `[]` where it is not there."""
        listed = self._list(name)
        for value in listed:
            if not isinstance(value, str):
                raise _mistyped(value, "a String")
        return listed

    def strings(self, name: str) -> dict[str, str] | None:
        """Return a map of strings, or None where it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise unreadable("Unexpected value type in payload")
        for text in value.values():
            if not isinstance(text, str):
                raise _mistyped(text, "a String")
        return dict(value)

    def required(self, name: str) -> None:
        """Note a violation where a member is not there."""
        if name not in self:
            self._violate(name, "null", "Member must not be null", quoted=False)

    def _violate(self, name: str, value: Any, constraint: str, *, quoted: bool = True) -> None:
        shown = f"'{value}'" if quoted else value
        self._violations.append(
            f"Value {shown} at '{self._path}{_lower(name)}' failed to satisfy constraint: {constraint}"
        )

    def _list(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if value is not None and not isinstance(value, list):
            raise unreadable("Unexpected field type")
        return value or []

    def _place(self, name: str, number: int) -> str:
        return f"{self._path}{_lower(name)}.{number}.member."


def _mistyped(value: Any, wanted: str) -> ApiError:
    if value is None:
        return unreadable("A list or a map has a null where a value is expected")
    if isinstance(value, dict | list):
        kind = "structure or map" if isinstance(value, dict) else "list"
        return unreadable(f"Start of {kind} found where not expected.")
    word = str(value).upper() if isinstance(value, bool) else _WORDS[type(value)]
    return unreadable(f"{word}_VALUE can not be converted to {wanted}")


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
