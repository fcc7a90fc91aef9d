"""A local emulator for applications made of WebSocket APIs, Lambda functions and DynamoDB streams.

Importing this package costs nothing and needs the standard library alone: the names below are
loaded when they are first used, so that set-up scripts can reach `emulator.virtual_environment`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.errors import EmulatorError
    from emulator.sandbox import Sandbox

__all__ = ["EmulatorError", "Sandbox"]

_HOMES = {"EmulatorError": "emulator.errors", "Sandbox": "emulator.sandbox"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'emulator' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
