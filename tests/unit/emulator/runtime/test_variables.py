"""An environment's variables."""

from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function, LogFormat, LoggingConfig
from emulator.runtime.variables import environment_variables

AWS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "SHLVL",
    "TZ",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER",
}
"""Of Python 3.11; `_X_AMZN_TRACE_ID` comes with the first invocation (row E23). Row E22."""

OURS = {
    "AWS_CONFIG_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_SHARED_CREDENTIALS_FILE",
    "NO_PROXY",
    "TMPDIR",
    "no_proxy",
}


def variables(function: Function, python: tuple[int, int] = (3, 11), **extra: str) -> dict[str, str]:
    return environment_variables(
        function,
        extra=extra,
        runtime_api="127.0.0.1:1",
        runtime_folder="/runtime",
        log_stream="2026/01/01/[$LATEST]0",
        path="/bin",
        temporary_folder="/run/1",
        python=python,
    )


def function(**options: Any) -> Function:
    return Function("f", "a.b", Path("/code"), **options)


@pytest.mark.row("E22")
@pytest.mark.parametrize(("python", "more"), [((3, 11), set()), ((3, 12), {"LC_CTYPE"})], ids=str)
def test_the_complete_set(python: tuple[int, int], more: set[str]) -> None:
    """There are row E22's variables, the documented ones of ours, the function's own, and nothing else."""
    found = variables(function(environment={"MINE": "1"}), python, AWS_ENDPOINT_URL="http://sandbox")
    assert set(found) == AWS | OURS | more | {"MINE", "AWS_ENDPOINT_URL"}


def test_the_values() -> None:
    """What has the same meaning here has AWS's value."""
    found = variables(function(memory_mb=256), (3, 12))
    assert {name: found[name] for name in ("LANG", "LC_CTYPE", "SHLVL", "TZ", "_HANDLER", "TMPDIR")} == {
        "LANG": "en_US.UTF-8", "LC_CTYPE": "C.UTF-8", "SHLVL": "0", "TZ": ":UTC", "_HANDLER": "a.b",
        "TMPDIR": "/run/1",
    }  # fmt: skip
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert found["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/f"
    assert found["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert found["PYTHONPATH"] == found["LAMBDA_RUNTIME_DIR"] == "/runtime"


@pytest.mark.row("H8")
def test_the_json_log_format() -> None:
    """With the JSON format the runtime client is told the format and the level (row H8)."""
    logging = LoggingConfig(format=LogFormat.JSON, application_level="DEBUG")
    found = variables(function(logging=logging))
    assert set(found) == AWS | OURS | {"AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"}
    assert (found["AWS_LAMBDA_LOG_FORMAT"], found["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "DEBUG")


def test_a_function_may_change_what_aws_lets_it_change() -> None:
    """Paths, language and time zone are the function's where it names them."""
    wishes = {
        "PATH": "/mine",
        "TZ": "Europe/Berlin",
        "LANG": "C",
        "PYTHONPATH": "/lib",
        "LD_LIBRARY_PATH": "/l",
    }
    found = variables(function(environment=wishes))
    assert {name: found[name] for name in wishes} == wishes


def test_the_sandbox_wins_over_the_function() -> None:
    """A function cannot point itself at AWS, or take other credentials or a profile."""
    wishes = {
        "AWS_ENDPOINT_URL": "https://aws",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_CONFIG_FILE": "~/.aws/config",
        "MINE": "kept",
    }
    found = variables(function(environment=wishes), AWS_ENDPOINT_URL="http://sandbox")
    assert found["AWS_ENDPOINT_URL"] == "http://sandbox"
    assert found["AWS_ACCESS_KEY_ID"] == "test"
    assert found["AWS_CONFIG_FILE"] == "/dev/null"
    assert found["MINE"] == "kept"


def test_reserved_variables_cannot_be_overridden() -> None:
    """What names the function and its Runtime API is the platform's, whoever says otherwise."""
    found = variables(function(environment={"_HANDLER": "x.y"}), AWS_LAMBDA_RUNTIME_API="elsewhere")
    assert found["_HANDLER"] == "a.b"
    assert found["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:1"


def test_nothing_of_a_home_is_passed_on() -> None:
    """Real credentials have no way in: no home, no profile, no metadata service, no proxy on loopback."""
    found = variables(function())
    assert {"HOME", "USER", "AWS_PROFILE", "HTTP_PROXY", "HTTPS_PROXY"} & set(found) == set()
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert found["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert "127.0.0.1" in found["NO_PROXY"]
