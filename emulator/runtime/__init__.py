"""The Lambda service: the Runtime API, execution environments, calls, and Lambda's AWS API."""

from emulator.runtime.api import LambdaApi
from emulator.runtime.logs import InvocationLog
from emulator.runtime.service import EnvironmentInfo, LambdaService
from emulator.runtime.settings import RuntimeClient, RuntimeSettings, StartMethod

__all__ = [
    "EnvironmentInfo",
    "InvocationLog",
    "LambdaService",
    "RuntimeClient",
    "RuntimeSettings",
    "StartMethod",
]
