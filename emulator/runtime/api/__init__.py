"""Lambda's AWS API as boto3's `lambda` client calls it, in front of the Lambda service."""

from emulator.aws_api import ApiError, Response
from emulator.runtime.api.application import EventSourceMappings, LambdaApi
from emulator.runtime.api.names import parse_function_name

__all__ = ["ApiError", "EventSourceMappings", "LambdaApi", "Response", "parse_function_name"]
