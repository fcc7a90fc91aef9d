"""What the sandbox asks of an application's adapter."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from io import TextIOBase
from pathlib import Path
from typing import Any, Protocol

from emulator.application import Application
from emulator.errors import InvalidApplication
from emulator.state import State


class ApplicationSource(Protocol):
    """An application for the sandbox, and how its clients reach it.

    Made twice from the same options: in the emulator process, which asks for `application()`, and in
    the process that holds the sandbox, which asks for clients.
    """

    def application(self) -> Application:
        """Declare the application."""
        ...

    def started(self, state: State) -> None:
        """Be told that a sandbox that other commands shall find runs, in the emulator process."""
        ...

    def stopped(self, state: State) -> None:
        """Be told that such a sandbox ends, in the emulator process."""
        ...

    def token(self, client: Any, *, user: str, tenant: str, now: float, **options: Any) -> str:
        """Return a token for a user; `client` returns the boto3 client of a service.

        Args:
            now: the sandbox's time, epoch seconds.
        """
        ...

    @property
    def lifecycle(self) -> Mapping[tuple[str, str], str]:
        """The states of its requests: state and event to the next state; empty where it has none."""
        ...

    @property
    def initial_state(self) -> str:
        """The state in which a request begins; "" where it has none."""
        ...

    @property
    def requests(self) -> tuple[type, ...]:
        """What its client returns for a request; each is a `Handle` of `emulator.displays.live`."""
        ...

    @property
    def folders(self) -> tuple[str, ...]:
        """Where its own code lies, whose frames an explained error leaves out if there are others."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What its client raises; an error with a `request_id` can be explained by the functions' logs."""
        ...

    def inline_handler(self, function: str, state: State, log: TextIOBase) -> Callable[[Any, Any], Any]:
        """Build the handler of a function for a thread of this process; several threads may ask at once.

        Args:
            function: its whole name.
            state: says where AWS is; environment variables do not.
            log: takes what the function logs.
        """
        ...

    def add_action(self, action: Any, **declaration: Any) -> Any:
        """Offer an action to the inline handlers, in the place of the one of its name; returns the action."""
        ...

    async def connect(
        self, state: State, client: Any, *, user: str, tenant: str, now: float, **options: Any
    ) -> Any:
        """Return a connected client of the application; `now` as in `token`."""
        ...


def load(name: str, options: Mapping[str, Any]) -> ApplicationSource:
    """Return the source called `name`: a module with a class `Source`.

    Args:
        name: of a module of this package; with a dot, of any module that can be imported here and in the
            emulator process; or the absolute path of a Python file.

    Raises:
        InvalidApplication: no such source, or it does not take the options.
    """
    module = _module(name)
    try:
        source: ApplicationSource = module.Source(**options)
    except TypeError as error:
        raise InvalidApplication(f"The application {name!r} does not take these options: {error}.") from error
    return source


def _module(name: str) -> Any:
    if name.startswith("/"):
        return _module_of_file(Path(name))
    path = name if "." in name else f"emulator.applications.{name}"
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise  # it is there, and what it imports is not
        raise InvalidApplication(f"There is no application source called {name!r}.") from error


def _module_of_file(path: Path) -> Any:
    spec = spec_from_file_location(f"emulator_application_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidApplication(f"There is no Python file {path} that an application could come from.")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look for a class's module there
    spec.loader.exec_module(module)
    return module
