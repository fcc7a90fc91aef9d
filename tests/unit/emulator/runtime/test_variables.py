"""An environment's variables."""

from pathlib import Path

from emulator.application import Function
from emulator.runtime.variables import environment_variables


def variables(function: Function, **extra: str) -> dict[str, str]:
    return environment_variables(
        function,
        extra=extra,
        runtime_api="127.0.0.1:1",
        runtime_folder="/runtime",
        log_stream="2026/01/01/[$LATEST]0",
        path="/bin",
    )


def test_the_sandbox_wins_over_the_function() -> None:
    """A function cannot point itself at AWS, or take other credentials or a profile."""
    wishes = {
        "AWS_ENDPOINT_URL": "https://aws",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_CONFIG_FILE": "~/.aws/config",
        "MINE": "kept",
    }
    found = variables(
        Function("f", "a.b", Path("/code"), environment=wishes), AWS_ENDPOINT_URL="http://sandbox"
    )
    assert found["AWS_ENDPOINT_URL"] == "http://sandbox"
    assert found["AWS_ACCESS_KEY_ID"] == "test"
    assert found["AWS_CONFIG_FILE"] == "/dev/null"
    assert found["MINE"] == "kept"


def test_reserved_variables_cannot_be_overridden() -> None:
    """What names the function and its Runtime API is the platform's, whoever says otherwise."""
    function = Function("f", "a.b", Path("/code"), environment={"_HANDLER": "x.y"})
    found = variables(function, AWS_LAMBDA_RUNTIME_API="elsewhere")
    assert found["_HANDLER"] == "a.b"
    assert found["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:1"


def test_nothing_of_a_home_is_passed_on() -> None:
    """Real credentials have no way in: no home, no profile, no metadata service, no proxy on loopback."""
    found = variables(Function("f", "a.b", Path("/code")))
    assert {"HOME", "USER", "AWS_PROFILE", "HTTP_PROXY", "HTTPS_PROXY"} & set(found) == set()
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert found["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert "127.0.0.1" in found["NO_PROXY"]
