"""How often an action is tried, and how long is waited between. A declaration: the executor reads it."""

from dataclasses import dataclass

BASE_S = 1.0
"""Upper bound of the first wait. Ours."""

CAP_S = 60.0
"""Upper bound of any wait. Ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What is done about an attempt that failed.

    The wait after attempt n is uniform between nothing and `base_s` doubled n - 1 times, `cap_s` at most.

    Attributes:
        max_attempts: attempts at most, the first included; None: as many as `Settings.max_attempts` says.
        on: exceptions of others that are worth another attempt, such as `ConnectionError`. A
            `StreamerError` says itself whether it is.
    """

    max_attempts: int | None = None
    base_s: float = BASE_S
    cap_s: float = CAP_S
    on: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError(f"max_attempts is 1 or more, or None, not {self.max_attempts}.")
        if not 0 <= self.base_s <= self.cap_s:
            raise ValueError(f"base_s is 0 to cap_s, not {self.base_s:g} to {self.cap_s:g}.")


DEFAULT_RETRY = RetryPolicy()
"""Of an action that declares nothing else."""

NO_RETRY = RetryPolicy(max_attempts=1)
"""Of an action whose work must not be begun twice."""
