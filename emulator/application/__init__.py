"""The application model: what an application is made of, whoever wrote it.

The words are CloudFormation's. An application comes from `emulator/applications/`; the rest of the
emulator knows applications only in this form.
"""

from emulator.application.apis import Authorizer, Route, Stage, Throttling, WebSocketApi
from emulator.application.application import Application
from emulator.application.data import (
    BucketObject,
    Index,
    Key,
    LifecycleRule,
    Queue,
    Secret,
    StreamViewType,
    Table,
)
from emulator.application.destinations import Destination, Service
from emulator.application.functions import AsynchronousConfig, Function, LogFormat, LoggingConfig
from emulator.application.sources import QueueMapping, Schedule, StartingPosition, StreamMapping

__all__ = [
    "Application",
    "AsynchronousConfig",
    "Authorizer",
    "BucketObject",
    "Destination",
    "Function",
    "Index",
    "Key",
    "LifecycleRule",
    "LogFormat",
    "LoggingConfig",
    "Queue",
    "QueueMapping",
    "Route",
    "Schedule",
    "Secret",
    "Service",
    "Stage",
    "StartingPosition",
    "StreamMapping",
    "StreamViewType",
    "Table",
    "Throttling",
    "WebSocketApi",
]
