"""What may be chosen about the Lambda service; every default has its reason beside it."""

import os
from dataclasses import dataclass
from enum import StrEnum


class StartMethod(StrEnum):
    """How an environment's process comes to be."""

    AUTO = "auto"
    """`FORK` on Linux, `SPAWN` elsewhere (fork without exec is unsafe with macOS's frameworks)."""

    FORK = "fork"
    """From a process that has the preloaded modules already."""

    SPAWN = "spawn"
    """A fresh interpreter."""


class RuntimeClient(StrEnum):
    """Which module speaks the Runtime API inside an environment."""

    AUTO = "auto"
    """`NATIVE` where awslambdaric was installed with it, else `PURE`."""

    NATIVE = "native"
    PURE = "pure"


PROVISIONED_INIT_TIMEOUT_S = 130.0
"""Limit of the init phase with provisioned concurrency; or the function's timeout, if that is longer.
Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"."""


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """The Lambda service's settings.

    Attributes:
        max_environments: processes at most, over all functions; a call waits at this limit.
        max_environments_per_function: processes at most for one function; likewise.
        eager_environments: of one function, that start as soon as there are more calls, as on AWS. From so
            many on a call may wait a moment while the machine is busy; see `patience.py`.
        max_starting: environments that start at the same time; more only slow each other down.
        init_timeout_s: Lambda's limit of the init phase (row E33 of the behaviour specification).
        freeze: whether nothing of an environment runs between its invocations (row E31).
        enforce_memory_limit: whether an environment that has more memory than its function's `memory_mb`
            is killed. Looked at every 50 ms, so what grows and is given back in between goes unseen.
        retry_delays_s: before the second and the third attempt of an asynchronous invocation (E44).
        throttle_delay_s, throttle_delay_max_s: first and longest delay after a throttle, doubled in
            between (E44).
        classic_timeout_payload: the older of the two error payloads of a timeout (E35).
        preload: modules that the fork server imports ahead; those that are missing are passed over.
        preload_clients: AWS services whose botocore models the fork server reads ahead.
        max_log_bytes: of one invocation's log; the middle of a longer one is left out.
        max_logs_per_function: invocations whose logs are kept.
        exit_grace_s: how long after a process's end its last response is still awaited on the socket.
        boot_timeout_s: how long a fork server may take until it is ready.
    """

    max_environments: int = 64
    max_environments_per_function: int = 32
    eager_environments: int = max(8, 4 * (os.cpu_count() or 1))
    max_starting: int = max(4, 2 * (os.cpu_count() or 1))
    init_timeout_s: float = 10.0
    freeze: bool = True
    enforce_memory_limit: bool = False
    retry_delays_s: tuple[float, ...] = (60.0, 120.0)
    throttle_delay_s: float = 1.0
    throttle_delay_max_s: float = 300.0
    classic_timeout_payload: bool = False
    start_method: StartMethod = StartMethod.AUTO
    runtime_client: RuntimeClient = RuntimeClient.AUTO
    preload: tuple[str, ...] = (
        "boto3",
        "urllib3",
        "msgspec",
        "jwt",
        "cryptography.hazmat.primitives.serialization",
    )
    preload_clients: tuple[str, ...] = (
        "dynamodb",
        "s3",
        "lambda",
        "secretsmanager",
        "sqs",
        "apigatewaymanagementapi",
    )
    max_log_bytes: int = 262_144
    max_logs_per_function: int = 200
    exit_grace_s: float = 1.0
    boot_timeout_s: float = 30.0
