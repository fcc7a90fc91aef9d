"""What Lambda's API says of the service's errors, and of what the sandbox does not do. Pure."""

from collections.abc import Mapping

from emulator.aws_api import ApiError
from emulator.errors import (
    EmulatorError,
    FunctionNotFound,
    InvalidPayload,
    PayloadTooLarge,
    TooManyRequests,
)

_DECLARED = "Functions come from the application that the sandbox runs"
_VERSIONS = "Functions of the sandbox have $LATEST alone, no other versions and no aliases"

REFUSED: Mapping[str, str] = {
    "CreateFunction": f"{_DECLARED}; declare the new one there and start the sandbox again.",
    "UpdateFunctionCode": f"{_DECLARED}; change its code there and start the sandbox again.",
    "DeleteFunction": f"{_DECLARED}; remove it there and start the sandbox again.",
    "PublishVersion": f"{_VERSIONS}; call the function without a qualifier.",
    "CreateAlias": f"{_VERSIONS}; call the function without a qualifier.",
}
"""Operations that AWS has and the sandbox refuses, each with the reason."""


def api_error(error: EmulatorError) -> ApiError:
    """Return what Lambda's API says of an error of the service."""
    match error:
        case FunctionNotFound():
            return ApiError(404, "ResourceNotFoundException", str(error))
        case TooManyRequests():
            return ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason=error.reason)
        case PayloadTooLarge():
            return ApiError(413, "RequestTooLargeException", str(error))
        case InvalidPayload():
            return ApiError(400, "InvalidRequestContentException", str(error))
        case _:
            return ApiError(500, "ServiceException", str(error))
