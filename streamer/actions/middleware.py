"""What is common to many actions: functions around them. Also one that ships, `timed`.

A middleware is given the payload, the context and the way on:

    def for_admins(payload, context, proceed):
        if "admin" not in context.identity.permissions:
            raise Forbidden("This needs the permission admin.")
        return proceed(payload, context)

It is named by an action (`middleware=`), by a module for all of its actions (`MIDDLEWARE`), or by the
setting `action_middleware` for every action; the setting's are outermost, an action's own innermost.
"""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from streamer.actions.context import ActionContext

Proceed = Callable[[Any, ActionContext], Any]
"""Runs what is inside and returns its result, also of an `async def`: a middleware is a plain function."""

Middleware = Callable[[Any, ActionContext, Proceed], Any]
"""Takes the parsed payload, the context, and the way on; returns the result, or raises instead."""


def timed(payload: Any, context: ActionContext, proceed: Proceed) -> Any:
    """Log how long each action ran, and whether it raised."""
    started = time.perf_counter()
    outcome = "raised"
    try:
        result = proceed(payload, context)
        outcome = "returned"
        return result
    finally:
        context.logger.info(
            "An action ran",
            extra={
                "action": "action.ran",
                "name_of_action": context.action,
                "outcome": outcome,
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
            },
        )


def wrap(proceed: Proceed, middleware: Sequence[Middleware]) -> Proceed:
    """Return `proceed` with every middleware around it, the first outermost."""
    for one in reversed(middleware):
        proceed = _around(one, proceed)
    return proceed


def load_middleware(names: str) -> tuple[Middleware, ...]:
    """Import what the setting `action_middleware` names, `package.module:function`, comma-separated.

    Raises:
        ValueError: there is no such function.
    """
    return tuple(_load(name.strip()) for name in names.split(",") if name.strip())


def _around(middleware: Middleware, proceed: Proceed) -> Proceed:
    return lambda payload, context: middleware(payload, context, proceed)


def _load(name: str) -> Middleware:
    module, separator, function = name.partition(":")
    try:
        found = getattr(import_module(module), function) if separator else None
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it imports is not
        found = None
    if not callable(found):
        raise ValueError(
            f"There is no function {name!r}; write package.module:function in STREAMER_ACTION_MIDDLEWARE."
        )
    middleware: Middleware = found
    return middleware
