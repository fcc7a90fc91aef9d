"""One funnel for the event sources' calls through botocore: in a thread, with its errors as ours."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emulator.errors import BackendFailed, EmulatorError
from emulator.threads import in_thread

MAX_CONNECTIONS = 64
"""Connections of one client to the back end: one per shard or mapping that waits, and the writes. Ours."""

Result = TypeVar("Result")
Errors = Mapping[str, type[EmulatorError]]


def patient(read_timeout_s: float) -> Config:
    """Return a client's options: one attempt per call, because the pollers have their own patience.

    Args:
        read_timeout_s: longer than any wait that is asked for.
    """
    return Config(
        connect_timeout=2,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
    )


async def call_aws(call: Callable[[], Result], *, errors: Errors, subject: str = "") -> Result:
    """Run `call` in a thread and return its result; cancelling is immediate.

    Args:
        errors: ours by AWS's codes.
        subject: what the call is about, for the error's sentence; for example `queue orders`.

    Raises:
        EmulatorError: one of `errors`, or BackendFailed where the back end refuses or does not answer.
    """
    try:
        return await in_thread(call, name="aws call")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        about = f" of {subject}" if subject else ""
        raise errors.get(code, BackendFailed)(
            f"{error.operation_name}{about} was refused with {code}; see that what it names exists, and look"
            " at the back end's log."
        ) from error
    except BotoCoreError as error:
        raise BackendFailed(
            f"The back end does not answer ({type(error).__name__}); see that it runs."
        ) from error
