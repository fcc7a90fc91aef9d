"""The environment variables of an execution environment. Pure."""

import sys
from collections.abc import Mapping

from emulator.account import CREDENTIALS, ISOLATION, REGION
from emulator.application import Function

PROVISIONED = "provisioned-concurrency"
ON_DEMAND = "on-demand"


def runtime_name() -> str:
    """Return Lambda's identifier of the runtime, for example `python3.11`."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def fixed_variables(*, path: str) -> dict[str, str]:
    """Return the variables that every environment has, whatever its function.

    They hold dummy credentials and shut every way to real ones: no profile, no configuration file, no
    instance metadata.
    """
    return {
        **CREDENTIALS,
        **ISOLATION,
        "AWS_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime_name()}",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LANG": "en_US.UTF-8",
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
        "PATH": path,
        "SHLVL": "0",
        "TZ": ":UTC",
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
) -> dict[str, str]:
    """Return all variables of one environment of `function`; nothing else is passed on.

    The platform's own variables win over the function's, as on AWS, and `extra` (where AWS's endpoints
    are in the sandbox) over both, so that a handler cannot reach AWS by accident.

    Args:
        runtime_api: `host:port` of the environment's Runtime API.
        runtime_folder: where the runtime client is installed.
        path: the value of `PATH`.

    Source:
        Row E22 of the behaviour specification. Left out are `LD_LIBRARY_PATH` and `PYTHONPATH`, whose
        values mean nothing on a laptop.
    """
    code = str(function.code)
    return {
        **function.environment,
        **fixed_variables(path=path),
        **extra,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_RUNTIME_DIR": runtime_folder,
        "LAMBDA_TASK_ROOT": code,
        "PWD": code,
        "_HANDLER": function.handler,
    }
