"""Which actions there are."""

from collections.abc import Iterable, Iterator
from importlib import import_module

from streamer.actions.declaration import Action
from streamer.errors import InvalidAction
from streamer.settings import Settings


class ActionRegistry:
    """The actions of a deployment by name."""

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            self.register(action)

    def register(self, action: Action) -> None:
        """Offer an action; the same one again changes nothing.

        Raises:
            ValueError: another action has that name.
        """
        if self._actions.setdefault(action.name, action) is not action:
            raise ValueError(f"Two actions are called {action.name}; rename one.")

    def replace(self, action: Action) -> None:
        """Offer an action in the place of the one that has its name, if there is one."""
        self._actions[action.name] = action

    def get(self, name: str) -> Action:
        """Return the action of that name.

        Raises:
            InvalidAction: there is none.
        """
        try:
            return self._actions[name]
        except KeyError:
            raise InvalidAction(f"There is no action {name!r}; known: {', '.join(self.names)}.") from None

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

    Raises:
        ValueError: a module doesn't exist or has no action, or two actions have one name.
    """
    registry = ActionRegistry()
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
        for action in found:
            registry.register(action)
    return registry
