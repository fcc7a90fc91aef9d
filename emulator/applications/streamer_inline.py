"""Streamer's functions in threads of the caller's process; part of the adapter.

Every environment has parts of its own, as in a process, except what is dear to make or has to be one:
AWS clients, which are safe to share between threads, and the actions, which may change while it runs.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from io import TextIOBase
from threading import Lock
from typing import Any, get_type_hints

from botocore.config import Config
from botocore.credentials import Credentials

from emulator.account import CREDENTIALS, REGION
from emulator.aws import Clients as EmulatorClients
from emulator.errors import EmulatorError
from emulator.state import State
from streamer.actions.context import ActionContext
from streamer.actions.declaration import Action, action
from streamer.actions.payloads import Payload
from streamer.actions.registry import ActionRegistry, load_registry
from streamer.connections.transport import SignedTransport
from streamer.lambdas.clients import Clients
from streamer.lambdas.services import Handler, Services
from streamer.observability.logs import JsonFormatter
from streamer.stack import Stack

MAX_POOL_CONNECTIONS = 32
"""Kept-alive connections per client: as many as there are threads that use one at a time. Ours."""


class InlineParts:
    """Makes handlers, and holds what they share. Thread-safe."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._roles = {function.name: function.handler.split(".")[-2] for function in stack.functions}
        self._lock = Lock()
        self._clients: Clients | None = None
        self._registry: ActionRegistry | None = None

    def handler(self, function: str, state: State, log: TextIOBase) -> Handler:
        """Build the handler of the function called `function`; its log lines go to `log`."""
        role = self._roles[function]
        services = Services(self._stack.settings, function=role, make_client=self._shared(state).get)
        services.logger = _logger(role, self._stack.settings.log_level, log)
        services.registry = self.registry
        credentials = Credentials(
            CREDENTIALS["AWS_ACCESS_KEY_ID"],
            CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            state.backend["session_token"] or None,
        ).get_frozen_credentials()
        services.transport = SignedTransport(lambda: credentials, REGION, ca_bundle=state.addresses.ca_bundle)
        build: Callable[[Services], Handler] = import_module(f"streamer.lambdas.{role}").build
        return build(services)

    @property
    def registry(self) -> ActionRegistry:
        """The actions that router and executor offer."""
        with self._lock:
            if self._registry is None:
                self._registry = load_registry(self._stack.settings)
            return self._registry

    def add_action(
        self, what: Callable[..., Any] | Action, *, name: str | None = None, **declaration: Any
    ) -> Action:
        """Offer an action, in the place of the one of its name.

        Args:
            what: an `Action`, or a function of a payload and, if it wants one, an `ActionContext`. Its
                payload's type is that of its first parameter: a `Payload`, else any object.
            name: by default the function's.
            declaration: what `streamer.actions.action` takes: `estimated_duration_s` and so on.

        Raises:
            EmulatorError: it is neither, or its declaration contradicts itself.
        """
        declared = what if isinstance(what, Action) else _declare(what, name, declaration)
        self.registry.replace(declared)
        return declared

    def _shared(self, state: State) -> Clients:
        with self._lock:
            if self._clients is None:
                clients = EmulatorClients(
                    state.addresses.aws_endpoint,
                    lambda_endpoint_url=state.addresses.lambda_endpoint,
                    session_token=state.backend["session_token"],
                )
                self._clients = Clients(lambda service: clients.new(service, config=_config(service)))
            return self._clients


def _declare(function: Any, name: str | None, declaration: dict[str, Any]) -> Action:
    if not callable(function):
        raise EmulatorError(f"An action is a function or an Action, not {function!r}.")
    name = name or function.__name__
    parameters = inspect.signature(function).parameters
    needed = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if not parameters or len(needed) > 2:
        raise EmulatorError(f"The action {name} takes a payload and, if it wants one, a context.")
    payload = declaration.pop("payload", None) or _payload_type(function, next(iter(parameters)))
    try:
        declared = action(name, payload=payload, **declaration)(function)
    except (TypeError, ValueError) as error:
        raise EmulatorError(f"The action {name} cannot be declared so: {error}") from error
    return declared if len(needed) == 2 or "context" in parameters else _without_context(declared)


def _payload_type(function: Any, parameter: str) -> Any:
    hint = get_type_hints(function).get(parameter)
    return hint if inspect.isclass(hint) and issubclass(hint, Payload) else dict[str, Any]


def _without_context(declared: Action) -> Action:
    function: Any = declared.function

    def call(payload: Any, _context: ActionContext) -> Any:
        return function(payload)

    async def call_async(payload: Any, _context: ActionContext) -> Any:
        return await function(payload)

    return replace(declared, function=call_async if declared.is_async else call)


def _logger(role: str, level: str, log: TextIOBase) -> logging.Logger:
    """Return a logger of one environment's own, that nobody else finds by its name."""
    logger = logging.Logger(f"streamer.{role}", level.upper())
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonFormatter(role))
    logger.addHandler(handler)
    return logger


def _config(service: str) -> Config:
    # Links are signed with version 4, as in a function's process.
    config = Config(max_pool_connections=MAX_POOL_CONNECTIONS)
    return config.merge(Config(signature_version="s3v4")) if service == "s3" else config
