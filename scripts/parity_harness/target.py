"""What the suite is pointed at."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any, Protocol

CODE = Path(__file__).with_name("code")


class CannotBePointedAt(Exception):
    """The target has no such thing; the test that needs it says nothing about the target."""


class Target(Protocol):
    """An implementation of the services, with the suite's application deployed on it.

    Attributes:
        name: `streamer` or `ministack`.
    """

    name: str

    def websocket_url(self, api: str, stage: str | None = None) -> str:
        """Return where clients connect; the API's first stage unless one is named."""
        ...

    def management_url(self, api: str, stage: str | None = None) -> str:
        """Return the `endpoint_url` of an `apigatewaymanagementapi` client in this process."""
        ...

    def boto3(self, service: str, **options: Any) -> Any:
        """Return a boto3 client; `apigatewaymanagementapi` needs `endpoint_url=`."""
        ...

    async def advance(self, seconds: float) -> None:
        """Move the target's time forward. Raises CannotBePointedAt where it cannot be moved."""
        ...

    async def log(self, function: str, request_id: str) -> str:
        """Return what one invocation logged, the platform's lines included; waits until it ended.

        Raises:
            CannotBePointedAt: the target's logs cannot be read.
        """
        ...


@contextmanager
def code_folder() -> Iterator[Path]:
    """Yield a folder with the generic handler and with modules that cannot be loaded."""
    with tempfile.TemporaryDirectory(prefix="parity-code-") as folder:
        code = Path(folder) / "code"
        copytree(CODE, code)
        (code / "broken_syntax.py").write_text("def handler(event, context)\n    return event\n")
        (code / "broken_import.py").write_text("import no_such_module_anywhere\n")
        yield code
