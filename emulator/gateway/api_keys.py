"""API keys: where a handshake has its key, and whether it opens the API."""

from collections.abc import Iterable
from enum import StrEnum

from emulator.errors import InvalidApplication
from emulator.gateway.handshakes import Handshake


class KeySource(StrEnum):
    """An API's key selection expression; there are two (row C15)."""

    HEADER = "$request.header.x-api-key"
    AUTHORIZER = "$context.authorizer.usageIdentifierKey"


class ApiKeys:
    """The keys of one API.

    Raises:
        InvalidApplication: the expression is neither of AWS's two.
    """

    def __init__(self, keys: Iterable[str], selection_expression: str) -> None:
        try:
            self._source = KeySource(selection_expression)
        except ValueError:
            raise InvalidApplication(
                f"The API key selection expression {selection_expression!r} is not understood; write"
                f" {' or '.join(KeySource)}."
            ) from None
        self._keys = frozenset(keys)

    def admits(self, handshake: Handshake, usage_identifier_key: str | None) -> bool:
        """Tell whether a handshake has one of the keys.

        Args:
            usage_identifier_key: what the authorizer named, or None.
        """
        if self._source is KeySource.HEADER:
            return handshake.find_header("x-api-key") in self._keys
        return usage_identifier_key in self._keys
