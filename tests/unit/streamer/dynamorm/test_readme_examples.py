"""Every example of DynamORM's README does what it says, as it stands there."""

import re
from pathlib import Path
from typing import Any

import pytest

import streamer.dynamorm

TEXT = Path(streamer.dynamorm.__file__).with_name("README.md").read_text()

EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", TEXT, re.DOTALL))

OUTPUTS = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def reader() -> dict[str, Any]:
    """What is known to somebody who has run the examples so far."""
    return {"__name__": "readme"}


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """What the examples have printed so far."""
    return []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(
    name: str, reader: dict[str, Any], printed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples run one after the other, as a reader would run them."""
    exec(compile(EXAMPLES[name], f"README example {name}", "exec"), reader)
    printed.append(capsys.readouterr().out)


def test_what_is_shown_was_printed(printed: list[str]) -> None:
    """Each block of output is an example's own."""
    assert len(printed) == len(EXAMPLES)
    assert [block for block in OUTPUTS if not any(block in out for out in printed)] == []


def test_every_block_of_python_is_an_example() -> None:
    """No code of the README is left out."""
    assert len(EXAMPLES) == TEXT.count("```python")
