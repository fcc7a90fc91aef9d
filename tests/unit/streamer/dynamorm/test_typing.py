"""What type checkers see: right uses pass, wrong ones fail where they are wrong, and no `Any` hides one."""

import inspect
import os
import subprocess
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import streamer.dynamorm

ROOT = Path(__file__).parents[4]
TYPING = ROOT / "tests" / "typing"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def faults() -> Mapping[str, set[int]]:
    """The lines that mypy refuses in each of the files, of one run."""
    files = ("dynamorm_right.py", "dynamorm_wrong.py")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml")]
    run = subprocess.run(
        [*command, "--no-error-summary", *files],
        cwd=TYPING,
        env={**os.environ, "MYPYPATH": str(ROOT), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    found: dict[str, set[int]] = {name: set() for name in files}
    for line in run.stdout.splitlines():
        name, number, kind = line.split(":")[:3]
        if kind.strip() == "error":
            found[name].add(int(number))
    return found


def test_right_uses_pass(faults: Mapping[str, set[int]]) -> None:
    """And every type is the one that the file asserts."""
    assert faults["dynamorm_right.py"] == set()


def test_wrong_uses_fail(faults: Mapping[str, set[int]]) -> None:
    """Each where it is wrong, and nowhere else."""
    lines = (TYPING / "dynamorm_wrong.py").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if "# wrong:" in line}
    assert faults["dynamorm_wrong.py"] == marked


def test_the_public_api_has_no_any() -> None:
    """Whatever a user calls says what it takes and returns."""
    assert [*_places_of_any()] == []


LOW_LEVEL = (streamer.dynamorm.Item, streamer.dynamorm.AttributeValue)
"""DynamoDB's own form is a dict of dicts whose inside depends on a key: no type of Python's says that."""


def _places_of_any() -> Iterator[str]:
    for name in streamer.dynamorm.__all__:
        held = getattr(streamer.dynamorm, name)
        if inspect.isfunction(held):
            yield from _in_function(name, held)
        elif inspect.isclass(held):
            for member, value in vars(held).items():
                if member.startswith("_"):
                    continue
                function = getattr(value, "__func__", getattr(value, "fget", value))
                if inspect.isfunction(function):
                    yield from _in_function(f"{name}.{member}", function)


def _in_function(name: str, function: Any) -> Iterator[str]:
    declared = [*typing.get_overloads(function)] or [function]
    for signature in declared:
        hints = typing.get_type_hints(
            signature, {**vars(typing), **function.__globals__}, include_extras=True
        )
        for place, hint in hints.items():
            if _has_any(hint):
                yield f"{name}: {place}"


def _has_any(hint: Any) -> bool:
    if hint is Any:
        return True
    origin = getattr(typing.get_origin(hint), "__module__", "")
    if hint in LOW_LEVEL or origin.startswith("streamer.dynamorm"):
        return False  # `Get[Any]` is a request about any model, as an engine takes it
    return any(map(_has_any, typing.get_args(hint)))
