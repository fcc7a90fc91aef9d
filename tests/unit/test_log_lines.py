"""What every line of the logs has, the functions' and the emulator's."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LOGGERS = {"log", "logger", "_logger"}

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def lines(path: Path) -> Iterator[ast.Call]:
    """Iterate over what a module logs."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr=level)
            ) if name in LOGGERS and level in LEVELS:
                yield node


MODULES = [
    path
    for package in ("streamer", "emulator")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "provider" not in path.parts and any(lines(path))
]
"""Those that log; LocalStack's process writes its own log, in LocalStack's form."""


def is_constant(message: ast.expr) -> bool:
    """Whether a message is one of few sentences."""
    if isinstance(message, ast.IfExp):
        return is_constant(message.body) and is_constant(message.orelse)
    return isinstance(message, ast.Constant)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_line_is_a_constant_with_an_action(path: Path) -> None:
    """Whoever searches a log finds a line by its action, and its facts in fields."""
    for call in lines(path):
        extra = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
        if isinstance(call.args[0], ast.Name) and isinstance(extra, ast.Dict):
            continue  # handed on by a function that several lines share
        assert is_constant(call.args[0]), f"line {call.lineno}: the message is constant"
        assert isinstance(extra, ast.Dict), f"line {call.lineno}: facts are fields"
        names = [key.value for key in extra.keys if isinstance(key, ast.Constant)]
        assert "action" in names, f"line {call.lineno}: it has an action"
