"""The commands' bad usage, in this process."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streamer.cli import app
from streamer.protocol.schema import written


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1", **(env or {})})


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ('{"message" "hi"}', "Expecting ':' delimiter at line 1, column 12."),
        ('{\n"a": }', "Expecting value at line 2, column 6."),
        ("", "Expecting value at line 1, column 1."),
        ("[1]", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ('{"n": NaN}', "NaN is no number"),
        ("[" * 100_000, "The payload is not JSON"),
    ],
    ids=["delimiter", "second line", "empty", "list", "text", "NaN", "deep"],
)
def test_payload_that_is_no_json_object_is_bad_usage(payload: str, sentence: str) -> None:
    """A payload that cannot be meant ends with status 2 and a sentence that says where it is wrong."""
    result = run("call", "echo", payload)
    assert result.exit_code == 2
    assert sentence in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("call",),
        ("token",),
        ("token", "--user", "u"),
        ("call", "echo", "{}", "--timeout", "0"),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_missing_or_wrong_arguments_are_bad_usage(arguments: tuple[str, ...]) -> None:
    """What cannot be run ends with status 2 and the usage."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage" in result.output


@pytest.mark.parametrize("command", [("token", "--user", "u", "--tenant", "t"), ("call", "echo")])
def test_no_deployment_is_told(command: tuple[str, ...], tmp_path: Path) -> None:
    """Without a running deployment each command says how to start one, with status 1."""
    result = run(*command, env={"STREAMER_DEPLOYMENT": str(tmp_path / "none.json")})
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith('No running deployment: start one with "python -m emulator up"')


def test_an_empty_token_is_not_taken_for_none() -> None:
    """What was to make a token has failed; nobody asks as somebody else for it."""
    result = run("call", "echo", "--url", "ws://127.0.0.1:1/local", "--token", "")
    assert result.exit_code == 1
    assert result.stderr.startswith("The token is empty")


def test_help_shows_no_token_of_the_environment() -> None:
    """A token in the environment is not printed as a default."""
    result = run("call", "--help", env={"STREAMER_TOKEN": "s3cret-token"})
    assert result.exit_code == 0
    assert "s3cret-token" not in result.output


def test_the_protocol_is_printed_as_json_schema() -> None:
    """`python -m streamer schema` needs no deployment; its output is the file beside the messages."""
    result = run("schema")
    assert result.exit_code == 0
    assert result.stdout == written()
