"""Faults as the control API's callers write them: one that could never strike is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import cache
from typing import Any

import msgspec
from botocore.loaders import Loader

from emulator.control.names import whole_name
from emulator.errors import EmulatorError
from emulator.faults import KINDS, Fault, FaultKind, check

_MODEL = "service-2"
"""The kind of file in which botocore describes a service's operations."""

_OURS = ("apigatewaymanagementapi", "lambda")
"""Services that the emulator answers itself; their calls do not reach the back end."""


def read_fault(body: Mapping[str, Any], *, functions: Iterable[str], tables: Iterable[str]) -> Fault:
    """Return the fault that a call declares, with whole names of functions and tables.

    Reads files of botocore where it is limited to a service.

    Args:
        functions: names of those that it can be limited to.
        tables: names of those that it can be limited to; one that is made at run time is known as soon as a
            mapping reads it.

    Raises:
        EmulatorError: it is none, or could never strike; the sentence says what there is.
    """
    known = {field.name for field in fields(Fault)}
    if unknown := set(body) - known:
        raise EmulatorError(
            f"A fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}."
        )
    kinds = [kind.value for kind in FaultKind]
    if body.get("kind") not in kinds:
        raise EmulatorError(f"There is no fault {body.get('kind')!r}; there are {', '.join(kinds)}.")
    try:
        fault = msgspec.convert(body, Fault)
        where, limits = dict(fault.where), KINDS[fault.kind].limits
        if wrong := set(where) - set(limits):
            raise EmulatorError(
                f"A fault {fault.kind} cannot be limited to {', '.join(sorted(wrong))}; to"
                f" {', '.join(limits)} it can."
            )
        check(fault)
    except ValueError as error:  # of msgspec too
        raise EmulatorError(f"This cannot be a fault: {error}") from error
    if "function" in where:
        where["function"] = whole_name(functions, where["function"], what="function")
    if "table" in where:
        where["table"] = whole_name(tables, where["table"], what="table that is declared or read")
    if "service" in where:
        _check_call(where["service"], where.get("operation"))
    return replace(fault, where=where)


def _check_call(service: str, operation: str | None) -> None:
    services = _services()
    if service not in services:
        raise EmulatorError(f"AWS has no service {service!r} by boto3's names{_near(service, services)}.")
    if service in _OURS:
        raise EmulatorError(
            f"Calls of {service} are answered by the emulator itself, where no fault of the back end strikes;"
            " environments can be killed, and posts refused or delayed."
        )
    if operation is not None and operation not in (operations := _operations(service)):
        raise EmulatorError(
            f"The service {service} has no operation {operation!r}{_near(operation, operations)}."
        )


def _near(name: str, names: Iterable[str]) -> str:
    found = get_close_matches(name, names, n=3)
    return f"; near it are {', '.join(found)}" if found else ""


@cache
def _services() -> tuple[str, ...]:
    return tuple(Loader().list_available_services(_MODEL))


@cache
def _operations(service: str) -> tuple[str, ...]:
    return tuple(Loader().load_service_model(service, _MODEL)["operations"])
