"""Tags of functions."""

from collections.abc import Mapping

from emulator.aws_api import Response
from emulator.aws_validation import invalid
from emulator.runtime.api.names import check_qualifier, parse_function_name
from emulator.runtime.api.records import FunctionRecord, Records
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.service import LambdaService

MAX_TAGS = 50
MAX_KEY_CHARACTERS = 128
MAX_VALUE_CHARACTERS = 256
"""Of one function's tags. Lambda Developer Guide, "Using tags on Lambda functions"."""


class Tags:
    """Keeps the functions' tags."""

    def __init__(self, service: LambdaService, records: Records) -> None:
        self._service = service
        self._records = records

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return {"ListTags": self.list, "TagResource": self.tag, "UntagResource": self.untag}

    async def list(self, request: Request) -> Response:
        """`ListTags`."""
        return Response.of({"Tags": self._record(request).tags})

    async def tag(self, request: Request) -> Response:
        """`TagResource`: adds tags and replaces values."""
        record = self._record(request)
        tags = request.members().strings("Tags")
        if not tags:
            raise invalid("The request names no tags; give it at least one.")
        for key, value in tags.items():
            if not 1 <= len(key) <= MAX_KEY_CHARACTERS or len(value) > MAX_VALUE_CHARACTERS:
                raise invalid(
                    f"A tag's key has 1 to {MAX_KEY_CHARACTERS} characters and its value"
                    f" {MAX_VALUE_CHARACTERS} at most."
                )
        if len({**record.tags, **tags}) > MAX_TAGS:
            raise invalid(f"A function has {MAX_TAGS} tags at most; remove some first.")
        record.tags |= tags
        return Response(204)

    async def untag(self, request: Request) -> Response:
        """`UntagResource`: what is not there is passed over."""
        record = self._record(request)
        keys = request.query.get("tagKeys", [])
        if not keys:
            raise invalid("The request names no tag keys; give it at least one.")
        for key in keys:
            record.tags.pop(key, None)
        return Response(204)

    def _record(self, request: Request) -> FunctionRecord:
        name, qualifier = parse_function_name(request.parameters["Resource"], None)
        function = self._service.get_function(name)
        check_qualifier(function, qualifier)
        return self._records[function.name]
