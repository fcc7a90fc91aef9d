"""What the sandbox asks of an application's adapter."""

from collections.abc import Callable, Mapping
from importlib import import_module
from io import TextIOBase
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

    def token(self, client: Any, *, user: str, tenant: str, **options: Any) -> str:
        """Return a token for a user; `client` returns the boto3 client of a service."""
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

    async def connect(self, state: State, client: Any, *, user: str, tenant: str, **options: Any) -> Any:
        """Return a connected client of the application."""
        ...


def load(name: str, options: Mapping[str, Any]) -> ApplicationSource:
    """Return the source called `name`: a module of this package with a class `Source`.

    Raises:
        InvalidApplication: no such source, or it does not take the options.
    """
    try:
        module = import_module(f"emulator.applications.{name}")
    except ModuleNotFoundError as error:
        raise InvalidApplication(f"There is no application source called {name!r}.") from error
    try:
        source: ApplicationSource = module.Source(**options)
    except TypeError as error:
        raise InvalidApplication(f"The application {name!r} does not take these options: {error}.") from error
    return source
