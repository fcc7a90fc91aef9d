"""What an action is. It is declared once, and router and executor read the same declaration."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from streamer.actions.context import ActionContext
from streamer.actions.middleware import Middleware
from streamer.actions.payloads import parse_payload, refused
from streamer.actions.retry_policy import DEFAULT_RETRY, RetryPolicy
from streamer.dynamorm.frozen import dataclass
from streamer.protocol import ControlAction
from streamer.protocol.limits import MAX_ACTION_LENGTH, MAX_SYNC_TIMEOUT_S, SYNC_THRESHOLD_S

MAX_TIMEOUT_S = 840.0
"""Seconds that one attempt of a long action may run: Lambda's 900, less a minute to claim and to finish."""

P = TypeVar("P")

Validate = Callable[[P], None]
"""A further rule of a payload; raises ValueError with one sentence."""

Estimate = Callable[[P], float]
"""Seconds that a payload will probably take."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a client can ask for. Call it to run its function: `echo({"a": 1}, context)`.

    Attributes:
        name: what a request names.
        function: takes the payload and an `ActionContext`; returns anything JSON-able, with `Link`s
            in it. A plain function, or `async def`.
        payload: the payload's type: a `Payload`, or `dict[str, Any]` for any object.
        estimated_duration_s: seconds, or a function of the payload that estimates them. Over
            `SYNC_THRESHOLD_S` the request is queued and reports progress. A client may ask for that
            in any case (`metadata: {"mode": "async"}`).
        timeout_s: seconds after which an attempt is given up; answered at once it is given
            `MAX_SYNC_TIMEOUT_S` at most.
        permission: what the caller's token must grant; None: nothing.
        validate: a rule beyond the payload's type.
        retry: how often a long request is begun again after a failure that may pass.
        middleware: functions around this one, the first outermost.
    """

    name: str
    function: Callable[[Any, ActionContext], Any]
    payload: Any
    estimated_duration_s: float | Estimate[Any]
    timeout_s: float
    permission: str | None = None
    validate: Validate[Any] | None = None
    retry: RetryPolicy = DEFAULT_RETRY
    middleware: tuple[Middleware, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_ACTION_LENGTH:
            raise ValueError(f"An action's name has 1 to {MAX_ACTION_LENGTH} characters, not {self.name!r}.")
        if self.name in set(ControlAction):
            raise ValueError(f"An action cannot be called {self.name}: clients ask about requests by it.")
        if isinstance(self.estimated_duration_s, int | float) and self.estimated_duration_s < 0:
            raise ValueError(f"Action {self.name}: estimated_duration_s is negative.")
        limit_s = _longest(self.estimated_duration_s)
        if not 0 < self.timeout_s <= limit_s:
            raise ValueError(
                f"Action {self.name}: timeout_s is over 0 and at most {limit_s:g} for a "
                f"{'short' if limit_s == MAX_SYNC_TIMEOUT_S else 'long'} action, not {self.timeout_s:g}."
            )

    def is_long(self, payload: Any) -> bool:
        """Whether a request with this parsed payload is queued, rather than answered at once."""
        estimate = self.estimated_duration_s
        return (estimate if isinstance(estimate, int | float) else estimate(payload)) > SYNC_THRESHOLD_S

    @property
    def is_async(self) -> bool:
        """Whether the function is `async def`."""
        return inspect.iscoroutinefunction(self.function)

    def parse(self, payload: Mapping[str, Any]) -> Any:
        """Return `payload` as this action's type.

        Raises:
            InvalidMessage: it doesn't fit the type, or breaks a rule of it.
        """
        parsed = parse_payload(self.name, self.payload, payload)
        if self.validate is not None:
            try:
                self.validate(parsed)
            except ValueError as error:
                raise refused(self.name, error) from error
        return parsed

    def __call__(self, payload: Any, context: ActionContext) -> Any:
        """Call the function with a parsed payload; `async def` gives a coroutine."""
        return self.function(payload, context)


def action(
    name: str,
    *,
    payload: type[P],
    estimated_duration_s: float | Estimate[P] = 0.0,
    timeout_s: float | None = None,
    permission: str | None = None,
    validate: Validate[P] | None = None,
    retry: RetryPolicy = DEFAULT_RETRY,
    middleware: Sequence[Middleware] = (),
) -> Callable[[Callable[[P, ActionContext], Any]], Action]:
    """Declare the decorated function as an action; see `Action` for the arguments.

    Args:
        timeout_s: None is the most that is allowed: 25 s for a short action, 840 s for one that is
            long, or can be.

    Raises:
        ValueError: the declaration contradicts itself.
    """
    if timeout_s is None:
        timeout_s = _longest(estimated_duration_s)

    def declare(function: Callable[[P, ActionContext], Any]) -> Action:
        return Action(
            name,
            function,
            payload,
            estimated_duration_s,
            timeout_s,
            permission,
            validate,
            retry,
            tuple(middleware),
        )

    return declare


def _longest(estimate: float | Estimate[Any]) -> float:
    is_short = isinstance(estimate, int | float) and estimate <= SYNC_THRESHOLD_S
    return MAX_SYNC_TIMEOUT_S if is_short else MAX_TIMEOUT_S
