"""Things of an application by the names that people give them, which may lack their beginning. Pure."""

from collections.abc import Iterable

from emulator.errors import EmulatorError


def whole_name(names: Iterable[str], name: str, *, what: str) -> str:
    """Return the one of `names` that is `name`, or the only one that ends with `-name`.

    Args:
        what: they are, for the sentence: `table`.

    Raises:
        EmulatorError: there is none, or several end so; its sentence lists what there is.
    """
    known = list(dict.fromkeys(names))
    found = [one for one in known if one == name] or [one for one in known if one.endswith(f"-{name}")]
    if len(found) > 1:
        raise EmulatorError(f"{name!r} is the end of several names of a {what}: {', '.join(found)}.")
    if not found:
        raise EmulatorError(f"There is no {what} {name!r}; there are {', '.join(known) or 'none'}.")
    return found[0]
