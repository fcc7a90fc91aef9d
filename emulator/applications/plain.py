"""An application's adapter with nothing of its own: what a `Source` need not say."""

from collections.abc import Callable, Mapping
from io import TextIOBase
from types import MappingProxyType
from typing import Any

from emulator.application import Application
from emulator.errors import EmulatorError, InvalidApplication
from emulator.state import State

_NOT_INLINE = (
    'This application\'s functions run in processes only: make the sandbox without execution="inline",'
    " or give its Source a method inline_handler(self, function, state, log)."
)


class PlainSource:
    """A base for sources, which leaves `application` to say; `ApplicationSource` explains each member.

    Nothing of it has states, a client of its own or code of its own, until a source says so.
    """

    __slots__ = ()

    lifecycle: Mapping[tuple[str, str], str] = MappingProxyType({})
    initial_state: str = ""
    requests: tuple[type, ...] = ()
    folders: tuple[str, ...] = ()
    errors: tuple[type[Exception], ...] = ()

    def application(self) -> Application:
        """Declare the application; every source has its own."""
        raise InvalidApplication(
            f"{type(self).__name__} declares no application: give it a method application() that returns"
            " an emulator.application.Application."
        )

    def started(self, state: State) -> None:
        """Do nothing."""

    def stopped(self, state: State) -> None:
        """Do nothing."""

    def token(self, client: Any, *, user: str, tenant: str, now: float, **options: Any) -> str:
        """Raise EmulatorError: only the application knows what its tokens are."""
        raise EmulatorError(
            "This application makes no tokens: give its Source a method"
            " token(self, client, *, user, tenant, now, **options)."
        )

    def inline_handler(self, function: str, state: State, log: TextIOBase) -> Callable[[Any, Any], Any]:
        """Raise EmulatorError: only the application knows how its handlers live without a process."""
        raise EmulatorError(_NOT_INLINE)

    def add_action(self, action: Any, **declaration: Any) -> Any:
        """Raise EmulatorError: only the application knows what an action is."""
        raise EmulatorError(
            "This application has no actions to add: change its functions, or give its Source a method"
            " add_action(self, action, **declaration)."
        )

    async def connect(
        self, state: State, client: Any, *, user: str, tenant: str, now: float, **options: Any
    ) -> Any:
        """Return a connection of the package `websockets` to the first API's first stage.

        Args:
            user, tenant: are not told to the application; a handshake that it shall know them from takes
                `additional_headers` or `subprotocols`.
            options: what `websockets.asyncio.client.connect` takes.
        """
        from websockets.asyncio.client import connect  # most sandboxes need it never

        return await connect(state.addresses.websocket, **{"proxy": None, **options})


class DeclaredSource(PlainSource):
    """An application that a module declares by a function or a constant, without a class."""

    __slots__ = ("_declare",)

    def __init__(self, declare: Callable[[], Application]) -> None:
        """Take what returns the application; it is not called yet."""
        self._declare = declare

    def application(self) -> Application:
        """Return what the module declares. Raises InvalidApplication: it is no application."""
        declared = self._declare()
        if not isinstance(declared, Application):
            raise InvalidApplication(
                "The application is declared as"
                f" {type(declared).__name__}: return or assign an emulator.application.Application."
            )
        return declared


def check_inline(source: object) -> None:
    """Refuse a source that makes no inline handlers, before anything starts. Raises EmulatorError."""
    if getattr(type(source), "inline_handler", None) is PlainSource.inline_handler:
        raise EmulatorError(_NOT_INLINE)
