"""What the sandbox's own AWS APIs answer with: responses, and errors that boto3 makes exceptions of. Pure.

Source:
    Botocore's `rest-json` protocol: an error's class stands in `x-amzn-ErrorType`, its members in the body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.outsiders import refusal_of_outsider


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; the body is JSON."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "Response":
        """Return `value` as JSON."""
        return cls(status, json.dumps(value).encode())


class ApiError(Exception):
    """A request that is refused.

    Args:
        code: the exception's name in the service model, for example `ResourceNotFoundException`.
        fields: further members of the exception, for example `Reason="..."`.
    """

    def __init__(self, status: int, code: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields

    def response(self) -> Response:
        """Return it in Lambda's form; exceptions disagree about the case of `message`, so both are there."""
        body = {
            **self.fields,
            "Type": "User" if self.status < 500 else "Service",
            "Message": str(self),
            "message": str(self),
        }
        headers = {"x-amzn-ErrorType": self.code}
        if self.status == 429:
            headers["Retry-After"] = "1"
        return Response(self.status, json.dumps(body).encode(), headers)


def refuse_outsiders(headers: Mapping[str, str]) -> None:
    """Refuse what a web page sent: AWS's clients never send an `Origin`, and name the host that they call.

    Args:
        headers: names in lower case.

    Raises:
        ApiError: 403 `AccessDeniedException`.
    """
    if (refusal := refusal_of_outsider(headers)) is not None:
        raise ApiError(403, "AccessDeniedException", refusal)


def read_object(body: bytes) -> dict[str, Any]:
    """Return a request's body, which is a JSON object; an empty one counts as `{}`.

    Raises:
        ApiError: it is something else.
    """
    if not body:
        return {}
    try:
        value = json.loads(body.decode())
        json.dumps(value, ensure_ascii=False).encode()  # fails with half a surrogate pair
    except (ValueError, RecursionError) as error:
        raise unreadable(f"The body is not JSON: {type(error).__name__}.") from error
    if not isinstance(value, dict):
        raise unreadable("Unexpected value type in payload")
    return value


def unreadable(message: str) -> ApiError:
    """Return the refusal of a body that is not of the operation's types."""
    return ApiError(400, "SerializationException", message)
