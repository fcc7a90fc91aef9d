"""How a module of this package gets its `handler`: made from the environment when Lambda asks for it."""

import os
from collections.abc import Callable
from functools import cache

from streamer.lambdas.services import Handler, Services


def entry_point(build: Callable[[Services], Handler], function: str) -> Callable[[str], Handler]:
    """Return a module's `__getattr__`: `handler` is built once, in Lambda's init phase.

    Whoever imports `build` alone, a test or another host, needs no environment.

    Args:
        function: the function's short name, for its logs.
    """

    @cache
    def get(name: str) -> Handler:
        if name != "handler":
            raise AttributeError(f"The module of the function {function} has no attribute {name!r}.")
        try:
            return build(Services.from_environment(os.environ, function=function))
        except AttributeError as error:  # Lambda would take it for a handler that is missing
            raise RuntimeError(f"The function {function} could not be built: {error}.") from error

    return get
