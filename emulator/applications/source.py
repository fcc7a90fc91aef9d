"""What the sandbox asks of an application's adapter, and where it finds one."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from io import TextIOBase
from pathlib import Path
from typing import Any, Protocol

from emulator.application import Application
from emulator.applications.plain import DeclaredSource, PlainSource
from emulator.errors import InvalidApplication
from emulator.state import State


class ApplicationSource(Protocol):
    """An application for the sandbox, and how its clients reach it.

    Made twice from the same options: in the emulator process, which asks for `application()`, and in
    the process that holds the sandbox, which asks for clients. `emulator.applications.plain.PlainSource`
    has all of it but `application`.
    """

    def application(self) -> Application:
        """Declare the application."""
        ...

    def started(self, state: State) -> None:
        """Be told that a sandbox that other commands shall find runs, and again when its clock is advanced.

        Called in the emulator process.
        """
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


_MEMBERS = tuple(name for name in vars(ApplicationSource) if not name.startswith("_"))


def locate(application: str | Path) -> str:
    """Return an application's name as it is understood in every folder: a file's is its absolute path.

    Args:
        application: a `Path`, or a text with `/` or with `.py` at its end, is a file; else a module.

    Raises:
        InvalidApplication: it is neither a text nor a path.
    """
    if not isinstance(application, str | Path):
        raise InvalidApplication(
            'An application is named by its module or its file, such as "chat.py", not given as'
            f" {type(application).__name__}."
        )
    if _is_file(application):
        return os.path.abspath(os.path.expanduser(application))
    return str(application)


def load(name: str, options: Mapping[str, Any]) -> ApplicationSource:
    """Return the source called `name`.

    It comes from the module's class `Source`, else from its function `application`, which takes the
    options, else from its constant `APPLICATION`. What `Source` lacks, `PlainSource` has.

    Args:
        name: of a module of this package; with a dot, of any module that can be imported here and in the
            emulator process; or of a Python file, as in `locate`.

    Raises:
        InvalidApplication: no such source, or it declares nothing, or it does not take the options.
    """
    module = _module(name)
    if (source := getattr(module, "Source", None)) is not None:
        return _from_class(name, source, options)
    if callable(declare := getattr(module, "application", None)):
        try:
            inspect.signature(declare).bind(**options)
        except TypeError as error:
            raise _refused(name, error) from error
        return DeclaredSource(lambda: declare(**options))
    if hasattr(module, "APPLICATION"):
        if options:
            raise _refused(name, "it is a constant; write a function application() that takes them")
        return DeclaredSource(lambda: module.APPLICATION)
    raise InvalidApplication(
        f"The application {name!r} declares nothing: give it a function application() that returns an"
        " emulator.application.Application, a constant APPLICATION, or a class Source with that method."
    )


def _from_class(name: str, kind: Any, options: Mapping[str, Any]) -> ApplicationSource:
    if getattr(kind, "application", None) is PlainSource.application:
        missing = ["application"]
    else:
        missing = [member for member in _MEMBERS if not hasattr(kind, member)]
    if missing and inspect.isclass(kind):
        if "application" in missing:
            raise InvalidApplication(
                f"The class Source of the application {name!r} has no method application(): add one that"
                " returns an emulator.application.Application."
            )
        kind = type(kind.__name__, (kind, PlainSource), {"__module__": kind.__module__})
    try:
        source: ApplicationSource = kind(**options)
    except TypeError as error:
        raise _refused(name, error) from error
    if missing := [member for member in _MEMBERS if not hasattr(source, member)]:
        raise InvalidApplication(
            f"The Source of the application {name!r} lacks {', '.join(missing)}; derive it from"
            " emulator.applications.plain.PlainSource."
        )
    return source


def _refused(name: str, why: object) -> InvalidApplication:
    return InvalidApplication(f"The application {name!r} does not take these options: {why}.")


def _is_file(name: str | Path) -> bool:
    return isinstance(name, Path) or "/" in name or name.endswith(".py")


def _module(name: str) -> Any:
    if _is_file(name):
        return _module_of_file(Path(locate(name)))
    path = name if "." in name else f"emulator.applications.{name}"
    unknown = InvalidApplication(
        f"There is no application source called {name!r}: name a module of emulator.applications, another"
        " module with its package (package.module), or a Python file (chat.py, ./chat.py)."
    )
    if not all(part.isidentifier() for part in path.split(".")):
        raise unknown
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise  # it is there, and what it imports is not
        raise unknown from error


def _module_of_file(path: Path) -> Any:
    spec = spec_from_file_location(f"emulator_application_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidApplication(
            f"There is no Python file {str(path)!r} that an application could come from."
        )
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look for a class's module there
    spec.loader.exec_module(module)
    return module
