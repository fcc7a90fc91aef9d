"""The Lambda service: the Runtime API, execution environments, calls, and Lambda's AWS API."""

from emulator.runtime.api import LambdaApi
from emulator.runtime.logs import InvocationLog
from emulator.runtime.reports import EnvironmentInfo
from emulator.runtime.service import LambdaService
from emulator.runtime.settings import RuntimeClient, RuntimeSettings, StartMethod

__all__ = [
    "EnvironmentInfo",
    "InvocationLog",
    "LambdaApi",
    "LambdaService",
    "RuntimeClient",
    "RuntimeSettings",
    "StartMethod",
]
