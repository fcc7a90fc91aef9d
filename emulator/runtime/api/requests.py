"""A request to Lambda's API, as the operations read it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from emulator.application import Function
from emulator.aws_api import Response, read_object
from emulator.aws_validation import Members
from emulator.runtime.api.names import check_qualifier, parse_function_name
from emulator.runtime.service import LambdaService


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        parameters: of the path, by the names that the service model gives them.
        query: each value of each parameter.
        headers: names in lower case.
    """

    parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def argument(self, name: str) -> str | None:
        """Return a parameter of the query, or None."""
        values = self.query.get(name)
        return values[0] if values else None

    def members(self) -> Members:
        """Return the members of the body. Raises ApiError where that is no JSON object."""
        return Members(read_object(self.body))

    def name(self) -> tuple[str, str | None]:
        """Return the name and the qualifier of the function that is meant. Raises ApiError."""
        return parse_function_name(self.parameters["FunctionName"], self.argument("Qualifier"))

    def function(self, service: LambdaService) -> Function:
        """Return the function that is meant.

        Raises:
            FunctionNotFound: there is none of that name.
            ApiError: it is no function's name, or names a version or alias.
        """
        name, qualifier = self.name()
        function = service.get_function(name)
        check_qualifier(function, qualifier)
        return function


Operation = Callable[[Request], Awaitable[Response]]
