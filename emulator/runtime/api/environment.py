"""The environment variables that a request gives a function. Pure."""

import re

from emulator.application.quotas import MAX_ENVIRONMENT_BYTES, RESERVED_VARIABLES, environment_bytes
from emulator.aws_validation import Members, invalid, refuse_violations

_KEY = re.compile(r"[a-zA-Z]([a-zA-Z0-9_])+")


def read_environment(members: Members) -> dict[str, str]:
    """Return the variables of an `Environment`.

    Raises:
        ApiError: a name is reserved or none, or they are too large together.
    """
    variables = members.strings("Variables") or {}
    # Reserved names come first: some of them do not match the pattern either.
    if reserved := sorted(RESERVED_VARIABLES & variables.keys()):
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you"
            " have provided contains reserved keys that are currently not supported for modification."
            f" Reserved keys used in this request: {', '.join(reserved)}"
        )
    refuse_violations(
        *(
            f"Value '{name}' at 'environment.variables' failed to satisfy constraint: Map keys must satisfy"
            f" constraint: [Member must satisfy regular expression pattern: {_KEY.pattern}]"
            for name in variables
            if not _KEY.fullmatch(name)
        )
    )
    for name, value in variables.items():
        if "\0" in value:
            raise invalid(f"The value of the environment variable {name} is no text that a process can have.")
    size = environment_bytes(variables)
    if size > MAX_ENVIRONMENT_BYTES:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you"
            f" have provided exceeded the 4KB limit: they have {size} bytes as JSON."
        )
    return variables
