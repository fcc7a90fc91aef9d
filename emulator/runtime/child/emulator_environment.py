"""The program of an environment's process: becomes the function's runtime. Standard library alone.

Runs as a script (a fresh interpreter) or is called by the fork server in a forked child. Nothing of the
emulator may be imported here: the function would find it in `sys.modules`.
"""

import ctypes
import importlib
import importlib.util
import os
import resource
import signal
import sys
import time

_MAX_DESCRIPTORS = 1024
"""Of one environment. Lambda quotas."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the one that started it ends (Linux only)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Ask the kernel to make this process the parent of every descendant whose own parent ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run(code: str, client: str, client_path: str) -> None:
    """Run the function that the environment variables name until the process is killed.

    Args:
        code: the function's folder; becomes the working directory and the first entry of `sys.path`.
        client: `native`, `pure`, or `auto` (native where it is installed).
        client_path: file of the pure-Python runtime client.
    """
    adopt_orphans()
    os.chdir(code)
    if not sys.path or sys.path[0] != code:
        sys.path.insert(0, code)
    # An interpreter reads PYTHONPATH when it starts; a forked child started with the fork server's.
    further = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[1:1] = [entry for entry in further if entry not in sys.path]
    if client == "pure" or (client == "auto" and importlib.util.find_spec("runtime_client") is None):
        specification = importlib.util.spec_from_file_location("runtime_client", client_path)
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules["runtime_client"] = module
        specification.loader.exec_module(module)
    _limit_descriptors()
    # Log records come in frames, through the same pipe as everything else, so that their order is kept.
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(os.dup(1))
    handler = os.environ["_HANDLER"]
    sys.argv[:] = ["bootstrap", handler]
    runtime = importlib.import_module("awslambdaric.__main__")
    _tell_where_imports_fail(importlib.import_module("awslambdaric.bootstrap"))
    _follow_clock(importlib.import_module("awslambdaric.lambda_runtime_client").LambdaRuntimeClient)
    runtime.main(sys.argv)


def _limit_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_MAX_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _tell_where_imports_fail(bootstrap) -> None:  # type: ignore[no-untyped-def]
    """Let an import that fails in the function's code say its file and line, where AWS's client says none."""
    fault = bootstrap.FaultException
    initialise = fault.__init__
    machinery = tuple(os.path.dirname(str(module.__file__)) for module in (bootstrap, importlib))

    def __init__(self, exception_type, msg, trace=None):  # type: ignore[no-untyped-def]  # noqa: N807
        error = sys.exc_info()[1]
        if exception_type == fault.IMPORT_MODULE_ERROR and trace is None and error is not None:
            trace = [
                f'  File "{file}", line {line}, in {name}\n    {text}\n'
                for file, line, name, text in bootstrap.extract_traceback(error.__traceback__)
                if not file.startswith(("<", *machinery))
            ]
        initialise(self, exception_type, msg, trace)

    fault.__init__ = __init__


def _follow_clock(client) -> None:  # type: ignore[no-untyped-def]
    """Let every invocation begin with the sandbox's time, where that is ahead of the machine's.

    How far ahead it is comes with the invocation, in a header that AWS's client passes on and nobody
    else needs; without it nothing is loaded and nothing changes.
    """
    wait = client.wait_next_invocation
    current: list = [0.0, None]  # type: ignore[type-arg]

    def wait_next_invocation(self):  # type: ignore[no-untyped-def]
        request = wait(self)
        if request.invocation_id:
            offset_s = float(request.invocation_id)
            if offset_s != current[0]:
                current[:] = [offset_s, _travel(offset_s, current[1])]
        return request

    client.wait_next_invocation = wait_next_invocation


def _travel(offset_s: float, before):  # type: ignore[no-untyped-def]
    if before is not None:
        before.stop()
    machine = _import_time_machine()  # type: ignore[no-untyped-call]
    journey = machine.travel(time.time() + offset_s, tick=True)
    journey.start()
    return journey


def _import_time_machine():  # type: ignore[no-untyped-def]
    """Import it without pytest, which it looks for: where that is installed, it is most of the time."""
    is_absent = "pytest" not in sys.modules
    if is_absent:
        sys.modules["pytest"] = None  # type: ignore[assignment]
    try:
        import time_machine
    finally:
        if is_absent:
            del sys.modules["pytest"]
    return time_machine


def main() -> None:
    """Run as a script: `emulator_environment.py PARENT CODE CLIENT CLIENT_PATH`."""
    parent, code, client, client_path = sys.argv[1:5]
    die_with_parent(int(parent))
    time.tzset()
    if sys.path and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]
    run(code, client, client_path)


if __name__ == "__main__":
    main()
