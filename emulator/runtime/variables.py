"""The environment variables of an execution environment. Pure.

Row E22 of the behaviour specification names what AWS sets: nothing else, so no `HOME` and no `USER`.
What the sandbox sets beyond that:

- `AWS_ENDPOINT_URL*` and `AWS_CA_BUNDLE`: where AWS is in the sandbox (given as `extra`, as is an empty
  `AWS_SESSION_TOKEN` where the back end refuses a token that it did not issue).
- `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_EC2_METADATA_DISABLED`: shut the ways to a real
  account.
- `NO_PROXY`, `no_proxy`: nothing on this machine is asked for through a proxy.
- `TMPDIR`: the environment's own `/tmp`.

With the JSON log format AWS adds `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` (row H8), and so does
the sandbox. The values of paths are this machine's: `LAMBDA_TASK_ROOT` and `PWD` the function's folder,
`LAMBDA_RUNTIME_DIR` and `PYTHONPATH` where the runtime client is installed, `LD_LIBRARY_PATH` those of
AWS's entries that lie in the function's folder (the system's own folders, put first, would break an
interpreter that brings its libraries along).
"""

import hashlib
import sys
from collections.abc import Mapping

from emulator.account import CREDENTIALS, ISOLATION, REGION
from emulator.application import Function, LogFormat
from emulator.invocation import LATEST

PROVISIONED = "provisioned-concurrency"
ON_DEMAND = "on-demand"


def runtime_name() -> str:
    """Return Lambda's identifier of the runtime, for example `python3.11`."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def runtime_version_arn() -> str:
    """Return the name of the runtime's version: on AWS a hash too, of what it consists of."""
    return f"arn:aws:lambda:{REGION}::runtime:{hashlib.sha256(runtime_name().encode()).hexdigest()}"


def fixed_variables(*, path: str) -> dict[str, str]:
    """Return the variables that every environment has, whatever its function.

    They hold dummy credentials and shut every way to real ones: no profile, no configuration file, no
    instance metadata.
    """
    return {
        **_changeable(path, sys.version_info[:2]),
        **CREDENTIALS,
        **ISOLATION,
        "AWS_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime_name()}",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
        "SHLVL": "0",
    }


def environment_variables(
    function: Function,
    *,
    extra: Mapping[str, str],
    runtime_api: str,
    runtime_folder: str,
    log_stream: str,
    initialization_type: str = ON_DEMAND,
    path: str,
    temporary_folder: str | None = None,
    python: tuple[int, int] = sys.version_info[:2],
) -> dict[str, str]:
    """Return all variables of one environment of `function`; nothing else is passed on.

    A function may change what AWS lets it change (`PATH`, `LANG`, `TZ`, `PYTHONPATH`, ...). The platform's
    other variables win over the function's, as on AWS, and `extra` over both, so that a handler cannot
    reach AWS by accident.

    Args:
        runtime_api: `host:port` of the environment's Runtime API.
        runtime_folder: where the runtime client is installed.
        path: the value of `PATH`.
        temporary_folder: the environment's own `/tmp`; None where it has none.
        python: the runtime's version.

    Sources:
        Row E22; Lambda Developer Guide, "Defined runtime environment variables" (which are reserved).
    """
    code = str(function.code)
    changeable = {
        **_changeable(path, python),
        "LD_LIBRARY_PATH": f"{code}:{code}/lib",
        "PYTHONPATH": runtime_folder,
    }
    fixed = {name: value for name, value in fixed_variables(path=path).items() if name not in changeable}
    variables = {
        **changeable,
        **function.environment,
        **fixed,
        **extra,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_RUNTIME_DIR": runtime_folder,
        "LAMBDA_TASK_ROOT": code,
        "PWD": code,
        "_HANDLER": function.handler,
    }
    if temporary_folder is not None:
        variables["TMPDIR"] = temporary_folder
    if function.logging.format is LogFormat.JSON:
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.logging.application_level
    return variables


def _changeable(path: str, python: tuple[int, int]) -> dict[str, str]:
    """Return those that a function may change and that do not depend on it."""
    variables = {
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LANG": "en_US.UTF-8",
        "PATH": path,
        "TZ": ":UTC",
    }
    if python >= (3, 12):
        variables["LC_CTYPE"] = "C.UTF-8"
    return variables
