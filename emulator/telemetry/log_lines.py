"""The lines of the emulator's own log: the message, then its facts as `name=value`."""

import json
import logging

from emulator.telemetry.redaction import redact_text

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""Attributes that every record has; the others are the facts that its logging call gave by `extra`."""


class LineFormatter(logging.Formatter):
    """Writes a record as one line, with what the call gave by `extra`; a traceback follows on lines below.

    What a peer chose, such as the reason of its close frame, is quoted so that it stays within the line,
    and shortened where it looks like a token.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without a traceback."""
        line = super().formatMessage(record)
        if not record.name.startswith("emulator."):
            return line
        facts = ((name, value) for name, value in vars(record).items() if name not in _ORDINARY)
        return " ".join([line, *(f"{name}={_shown(value)}" for name, value in facts if value is not None)])


def _shown(value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    text = redact_text(str(value))
    return text if text and text.isascii() and text.isprintable() and " " not in text else json.dumps(text)
