"""Where tokens come from: a function, called where it stands or in a thread of its own."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

TokenProvider = Callable[[], str | Awaitable[str]]
"""Asked for a token whenever a connection is opened."""


async def ask(provider: TokenProvider) -> str:
    """Return a token."""
    token = provider()
    return await token if inspect.isawaitable(token) else token


def in_thread(provider: TokenProvider) -> TokenProvider:
    """Return a provider that holds up neither the loop that asks it nor, if it hangs, the program's end.

    The pool of `asyncio.to_thread` cannot serve here: it is waited for when the loop and the interpreter end.
    """

    async def provide() -> str:
        loop, answered = asyncio.get_running_loop(), asyncio.Event()
        tokens: list[str | Awaitable[str]] = []
        errors: list[BaseException] = []

        def call() -> None:
            try:
                tokens.append(provider())
            except BaseException as error:  # noqa: BLE001  # raised below, for whoever waits
                errors.append(error)
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(answered.set)

        threading.Thread(target=call, name="streamer-client-token", daemon=True).start()
        await answered.wait()
        if errors:
            raise errors[0]
        return await ask(tokens.pop)

    return provide
