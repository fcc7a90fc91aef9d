"""Where something is sent that an invocation or a batch left behind: a function, queue, topic or bucket."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from emulator.account import ACCOUNT_ID, REGION


class Service(StrEnum):
    """The services that can be a destination, by the name that stands in their ARNs."""

    FUNCTION = "lambda"
    QUEUE = "sqs"
    TOPIC = "sns"
    BUCKET = "s3"


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination of Lambda's `DestinationConfig` or `DeadLetterConfig`.

    Attributes:
        name: of the function, queue, topic or bucket, as the application declares it.
    """

    service: Service
    name: str

    @classmethod
    def function(cls, name: str) -> Self:
        return cls(Service.FUNCTION, name)

    @classmethod
    def queue(cls, name: str) -> Self:
        return cls(Service.QUEUE, name)

    @classmethod
    def topic(cls, name: str) -> Self:
        return cls(Service.TOPIC, name)

    @classmethod
    def bucket(cls, name: str) -> Self:
        return cls(Service.BUCKET, name)

    @classmethod
    def of_arn(cls, arn: str) -> Self:
        """Return what `arn` names. Raises ValueError where it is no ARN of one of the services."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"{arn!r} is not an ARN.")
        name = parts[5].removeprefix("function:") if parts[2] == Service.FUNCTION else parts[5]
        return cls(Service(parts[2]), name)

    @property
    def arn(self) -> str:
        """Its Amazon Resource Name in the sandbox's account."""
        match self.service:
            case Service.FUNCTION:
                return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"
            case Service.BUCKET:
                return f"arn:aws:s3:::{self.name}"
            case service:
                return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{self.name}"
