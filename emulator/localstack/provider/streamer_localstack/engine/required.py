"""Members that a request must have, by the service's own description. Pure rules."""

from collections.abc import Callable, Iterator
from typing import Any

from .limits import Invalid

Missing = Callable[[Any, str], Iterator[str]]
"""Yields the path of each member that lacks, given a value and its own path."""


def check_required(missing: Missing | None, request: Any) -> None:
    """Refuse a request in which a member lacks.

    Args:
        missing: of the request's shape, from `missing_of`.

    Raises:
        Invalid: in AWS's words for one member; paths into lists and maps follow the same pattern, as ours.
    """
    found = [] if missing is None else list(missing(request, ""))
    if found:
        what = "; ".join(
            f"Value null at '{path}' failed to satisfy constraint: Member must not be null" for path in found
        )
        raise Invalid(f"{len(found)} validation error{'s' * (len(found) > 1)} detected: {what}")


def missing_of(shape: Any, above: tuple[str, ...] = ()) -> Missing | None:
    """Return what finds the members that lack in a value of this shape, None where none can.

    Args:
        shape: botocore's `Shape`.
        above: names of the shapes around it: one that contains itself is not followed.
    """
    if shape.name in above:
        return None
    inside = (*above, shape.name)
    match shape.type_name:
        case "structure":
            each = {name: missing_of(member, inside) for name, member in shape.members.items()}
            return _in_structure(list(shape.required_members), {n: one for n, one in each.items() if one})
        case "list":
            return _in_list(missing_of(shape.member, inside))
        case "map":
            return _in_map(missing_of(shape.value, inside))
    return None


def _in_structure(required: list[str], members: dict[str, Missing]) -> Missing | None:
    if not required and not members:
        return None

    def find(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            return
        for name in required:
            if value.get(name) is None:
                yield _join(path, name[0].lower() + name[1:])
        for name, missing in members.items():
            if value.get(name) is not None:
                yield from missing(value[name], _join(path, name[0].lower() + name[1:]))

    return find


def _in_list(missing: Missing | None) -> Missing | None:
    if missing is None:
        return None

    def find(value: Any, path: str) -> Iterator[str]:
        for number, element in enumerate(value if isinstance(value, list) else (), 1):
            yield from missing(element, f"{path}.{number}.member")

    return find


def _in_map(missing: Missing | None) -> Missing | None:
    if missing is None:
        return None

    def find(value: Any, path: str) -> Iterator[str]:
        for name, element in value.items() if isinstance(value, dict) else ():
            yield from missing(element, f"{path}.{name}.member")

    return find


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
