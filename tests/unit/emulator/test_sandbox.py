"""What a sandbox cannot be made of is told before anything starts."""

from typing import Any

import pytest

from emulator import Sandbox
from emulator.errors import InvalidSettings


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ({"port": 99999}, "port is a whole number from 0 to 65535, not 99999"),
        ({"port": -1}, "port is a whole number from 0 to 65535, not -1"),
        ({"port": "8080"}, "port is a whole number from 0 to 65535, not '8080'"),
        ({"execution": "threads"}, "execution is 'processes' or 'inline', not 'threads'"),
        (
            {"options": "action_modules=mine"},
            r"options are given by name, \{NAME: VALUE\}, not as 'action_mod",
        ),
        (
            {"options": ["action_modules"]},
            r"options are given by name, \{NAME: VALUE\}, not as \['action_mod",
        ),
    ],
    ids=[
        "port-too-large",
        "port-negative",
        "port-as-text",
        "execution",
        "options-as-text",
        "options-as-list",
    ],
)
def test_what_an_argument_cannot_be_is_one_sentence(argument: dict[str, Any], says: str) -> None:
    """A port over the last one would not fail, but be another one: what counts of it are 16 bits."""
    with pytest.raises(InvalidSettings, match=says):
        Sandbox(**argument)
