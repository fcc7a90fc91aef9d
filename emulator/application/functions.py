"""Lambda functions and what is configured about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from emulator.application.destinations import Destination
from emulator.errors import InvalidApplication


class LogFormat(StrEnum):
    """`LoggingConfig.LogFormat`. Lambda API reference."""

    TEXT = "Text"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """How a function's log looks. Lambda's `LoggingConfig`.

    Attributes:
        application_level: least level of the function's own lines, `TRACE` to `FATAL`; JSON only.
        system_level: least level of Lambda's lines, `DEBUG`, `INFO` or `WARN`; JSON only.
    """

    format: LogFormat = LogFormat.TEXT
    application_level: str = "INFO"
    system_level: str = "INFO"


@dataclass(frozen=True, slots=True)
class AsynchronousConfig:
    """What happens to an invocation of type `Event`. Lambda's `EventInvokeConfig`.

    Attributes:
        maximum_retry_attempts: further attempts after the first, 0 to 2.
        maximum_event_age_s: seconds after which an event is given up, 60 to 21600.
        on_success, on_failure: what receives the record of an event that succeeded or was given up, or None.
    """

    maximum_retry_attempts: int = 2
    maximum_event_age_s: int = 21_600
    on_success: Destination | None = None
    on_failure: Destination | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function.

    Attributes:
        handler: as Lambda takes it, `package.module.function`.
        code: the folder that is the function's package, also as a text; first on its `sys.path`
            (`LAMBDA_TASK_ROOT`).
        timeout_s: 1 to 900 seconds.
        memory_mb: 128 to 10240.
        ephemeral_storage_mb: of `/tmp`, 512 to 10240.
        reserved_concurrency: environments at most; beyond it callers are throttled. None: no limit of AWS's.
        provisioned_concurrency: environments that are started ahead of need.
        dead_letter: the queue or topic that receives an event itself that was given up, or None.

    Raises:
        InvalidApplication: `code` is no path.
    """

    name: str
    handler: str
    code: Path
    timeout_s: float = 3
    memory_mb: int = 128
    ephemeral_storage_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    provisioned_concurrency: int = 0
    asynchronous: AsynchronousConfig = AsynchronousConfig()
    dead_letter: Destination | None = None
    logging: LoggingConfig = LoggingConfig()

    def __post_init__(self) -> None:
        if not isinstance(self.code, str | Path):
            raise InvalidApplication(
                f"The code of function {self.name} is {self.code!r}; name the folder that it lies in."
            )
        object.__setattr__(self, "code", Path(self.code))

    @property
    def arn(self) -> str:
        return Destination.function(self.name).arn

    @property
    def log_group(self) -> str:
        """Name of the log group that Lambda writes to by default. Lambda Developer Guide, "Log groups"."""
        return f"/aws/lambda/{self.name}"
