"""Which actions there are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module

from streamer.actions.declaration import Action
from streamer.actions.middleware import Middleware, load_middleware
from streamer.errors import InvalidAction
from streamer.settings import Settings


class ActionRegistry:
    """The actions of a deployment by name.

    Args:
        middleware: functions around every action, the first outermost.
    """

    def __init__(self, actions: Iterable[Action] = (), *, middleware: Sequence[Middleware] = ()) -> None:
        self._actions: dict[str, Action] = {}
        self._middleware = tuple(middleware)
        for action in actions:
            self.register(action)

    def register(self, action: Action) -> None:
        """Offer an action; the same function again changes nothing.

        Raises:
            ValueError: another action has that name.
        """
        if self._actions.setdefault(action.name, self._common(action)).function is not action.function:
            raise ValueError(f"Two actions are called {action.name}; rename one.")

    def replace(self, action: Action) -> None:
        """Offer an action in the place of the one that has its name, if there is one."""
        self._actions[action.name] = self._common(action)

    def get(self, name: str) -> Action:
        """Return the action of that name.

        Raises:
            InvalidAction: there is none.
        """
        try:
            return self._actions[name]
        except KeyError:
            raise InvalidAction(f"There is no action {name!r}; known: {', '.join(self.names)}.") from None

    def _common(self, action: Action) -> Action:
        if not self._middleware:
            return action
        return replace(action, middleware=(*self._middleware, *action.middleware))

    @property
    def names(self) -> tuple[str, ...]:
        """The names in alphabetical order."""
        return tuple(sorted(self._actions))

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def __len__(self) -> int:
        return len(self._actions)


def load_registry(settings: Settings) -> ActionRegistry:
    """Import the modules of `settings.action_modules` and register every `Action` that they name.

    Around each go the functions of `settings.action_middleware`, then those of the module's `MIDDLEWARE`.

    Raises:
        ValueError: a module or function doesn't exist, a module has no action, or two actions have one
            name.
    """
    registry = ActionRegistry(middleware=load_middleware(settings.action_middleware))
    for name in filter(None, (part.strip() for part in settings.action_modules.split(","))):
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # the module is there, and something that it imports is not
            raise ValueError(f"There is no module {name}; correct STREAMER_ACTION_MODULES.") from error
        found = [value for value in vars(module).values() if isinstance(value, Action)]
        if not found:
            raise ValueError(f"Module {name} has no action; correct STREAMER_ACTION_MODULES.")
        around = tuple(getattr(module, "MIDDLEWARE", ()))
        for action in found:
            registry.register(replace(action, middleware=(*around, *action.middleware)) if around else action)
    return registry
