"""What a deployment decides: read from the functions' environment, written there by `stack.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

PREFIX = "STREAMER_"

OUTPUTS = "outputs"
"""Where everything is in the bucket that requests write; it expires after the requests that link to it."""

AT_LEAST = {"max_attempts": 1}
"""The least that a setting may be, if that is not 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one deployment; field `requests_table` is the variable `STREAMER_REQUESTS_TABLE`.

    Attributes:
        counters_table: where requests in flight are counted.
        records_table: where `bulk_operation` writes.
        jwt_keys_secret: name of the secret that holds the verification keys, a JSON Web Key Set.
        jwt_algorithms: comma-separated; a key is only ever used with the algorithm it names.
        jwt_audience, jwt_issuer: what a token must name; empty: not checked.
        allowed_tenants: comma-separated; empty: all.
        executor_function: name of the function that runs long requests.
        max_attempts: how often a long request is begun before it is FAILED.
        max_in_flight_per_user, max_in_flight_per_tenant: long requests that may be waiting or running at
            once; a further one is RATE_LIMITED. 0: no limit, and nothing is counted. A counter is one item,
            written twice for each request: one tenant's can take about 500 requests a second.
        action_modules: comma-separated modules; every `Action` that one of them names is offered.
        action_middleware: comma-separated functions, `package.module:function`, around every action.
    """

    connections_table: str
    requests_table: str
    subscriptions_table: str
    bucket: str
    executor_function: str
    jwt_keys_secret: str
    counters_table: str
    records_table: str
    jwt_algorithms: str = "RS256"
    jwt_audience: str = ""
    jwt_issuer: str = ""
    allowed_tenants: str = ""
    log_level: str = "INFO"
    max_attempts: int = 3
    max_in_flight_per_user: int = 1000
    max_in_flight_per_tenant: int = 0
    action_modules: str = "streamer.actions"
    action_middleware: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            KeyError: a variable without a default is missing; names the variable.
            ValueError: a number is none, or too small.
        """
        values: dict[str, str | int] = {}
        for field in fields(cls):
            variable = PREFIX + field.name.upper()
            if variable in environment:
                text = environment[variable]
                is_number = field.type in (int, "int")
                values[field.name] = (
                    whole_number(field.name, text, at_least=AT_LEAST.get(field.name, 0))
                    if is_number
                    else text
                )
        missing = [
            PREFIX + field.name.upper()
            for field in fields(cls)
            if field.name not in values and field.default is field.default_factory
        ]
        if missing:
            raise KeyError(f"Set {', '.join(missing)}: the function's environment lacks them.")
        return cls(**values)  # type: ignore[arg-type]

    def to_environment(self) -> dict[str, str]:
        """Write the settings as environment variables, the inverse of `from_environment`."""
        return {PREFIX + field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}


def whole_number(name: str, text: str, *, at_least: int) -> int:
    """Return the number that a setting's text says. Raises ValueError, naming the setting."""
    try:
        number = int(text)
    except ValueError:
        number = at_least - 1
    if number < at_least:
        raise ValueError(f"{name} takes a whole number of at least {at_least}, not {text!r}")
    return number
