"""Calls that fail or are slow on purpose, for every service.

What a fault is and when it strikes is decided by the emulator's own `faults.py`, which needs nothing but the
standard library and is loaded from its file: the package around it cannot be imported here.
"""

import importlib.util
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.chain import HandlerChain
from localstack.http import Response

DEFAULT_CODE = "InternalServerError"

STATUSES: Mapping[str, int] = {
    "InternalServerError": 500,
    "InternalServerErrorException": 500,
    "InternalServiceError": 500,
    "InternalFailure": 500,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "SlowDown": 503,
}
"""HTTP status of an error code; any other has 400. Each service's API reference, "Common errors"."""

CODES: Mapping[int, str] = {500: "InternalServerError", 503: "ServiceUnavailable"}
"""Error code of a fault that names an HTTP status."""

MAX_STRIKES = 1000
"""Strikes that are kept for whoever asks. Ours."""

MAX_WAIT_S = 20.0
"""Longest wait for a strike. Ours."""

_CONFLICT = "TransactionConflictException"

MESSAGES: Mapping[str, str] = {
    "ProvisionedThroughputExceededException": (
        "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
        "provisioning level with the UpdateTable API."
    ),
    "ThrottlingException": "Rate exceeded",
    _CONFLICT: "Transaction is ongoing for the item",
}
"""Messages of the errors that applications meet; any other says that it was made on purpose."""

_ON_PURPOSE = "A fault of the sandbox made this call fail on purpose."
_TRANSACTIONS = {"TransactWriteItems", "TransactGetItems"}


def _load(path: Path) -> ModuleType:
    name = f"streamer_localstack._{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


rules = _load(Path(__file__).resolve().parents[3] / "faults.py")


class BackEndFaults:
    """The faults that are declared now. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._armed: list[tuple[Any, Any]] = []  # the fault, and the one that decides about it
        self._strikes: deque[dict[str, Any]] = deque(maxlen=MAX_STRIKES)
        self._count = 0

    def replace(self, declared: Sequence[Mapping[str, Any]]) -> None:
        """Take these faults (the fields of `Fault`, as JSON) in place of those before.

        One that was declared before and is again keeps its dice and its counts.

        Raises:
            ValueError, TypeError: a fault is not one.
        """
        wanted = [rules.Fault(**{**fault, "kind": rules.FaultKind(fault["kind"])}) for fault in declared]
        with self._lock:
            before, armed = list(self._armed), []
            for fault in wanted:
                kept = next((one for one in before if one[0] == fault), None)
                if kept is not None:
                    before.remove(kept)
                else:
                    kept = fault, rules.Faults()
                    kept[1].add(fault)
                armed.append(kept)
            self._armed = armed

    @property
    def are_declared(self) -> bool:
        """Whether a fault may strike."""
        return bool(self._armed)

    def counts(self) -> list[int]:
        """Return how often each fault struck, in the order in which they were declared."""
        with self._lock:
            return [decides.describe()[0]["struck"] for _, decides in self._armed]

    def strikes(self, after: int, wait_s: float) -> list[dict[str, Any]]:
        """Return the strikes with a number above `after`; waits for the first one, `wait_s` at most."""
        with self._lock:
            self._lock.wait_for(lambda: self._count > after, min(wait_s, MAX_WAIT_S))
            return [one for one in self._strikes if one["number"] > after]

    def strike(self, service: str, operation: str) -> tuple[float, str | None]:
        """Return by how many seconds this call is delayed, and the error code that it fails with, if any."""
        if not self._armed:
            return 0.0, None
        facts = {"service": service, "operation": operation}
        with self._lock:
            slow = self._first(rules.FaultKind.SLOW_BACKEND_CALL, facts)
            failed = self._first(rules.FaultKind.FAIL_BACKEND_CALL, facts)
        delay_s = slow.delay_s if slow is not None else 0.0
        return delay_s, None if failed is None else failed.code or DEFAULT_CODE

    def _first(self, kind: Any, facts: Mapping[str, str]) -> Any:
        for fault, decides in self._armed:
            if fault.kind == kind and decides.strike(kind, **facts) is not None:
                self._count += 1
                self._strikes.append({"number": self._count, "fault": str(kind), **facts})
                self._lock.notify_all()
                return fault
        return None


FAULTS = BackEndFaults()
"""The faults of this process; set by the route `/_streamer/faults`."""


def strike(_chain: HandlerChain, context: RequestContext, _response: Response) -> None:
    """Delay or fail the call where a fault says so: a handler of LocalStack's request chain.

    Raises:
        CommonServiceException: the call fails; LocalStack writes it in the service's own form.
    """
    if context.service is None or context.operation is None or _is_ours(context):
        return
    operation = context.operation.name
    delay_s, code = FAULTS.strike(context.service.service_name, operation)
    if delay_s > 0:
        time.sleep(delay_s)
    if code is not None:
        raise error(code, operation, context.service_request or {})


def error(code: str, operation: str, request: Mapping[str, Any]) -> CommonServiceException:
    """Return the error that a call fails with.

    Args:
        code: of the error, or an HTTP status.
        request: parsed; tells of how many items a transaction is.

    Source:
        A transaction that meets another one is cancelled, with the conflict among its reasons: DynamoDB
        Developer Guide, "Transaction conflict handling in DynamoDB".
    """
    if code.isdigit():
        status = int(code)
        return CommonServiceException(CODES.get(status, DEFAULT_CODE), _ON_PURPOSE, status)
    if code == _CONFLICT and operation in _TRANSACTIONS:
        return _cancelled(len(request.get("TransactItems") or [None]))
    message = MESSAGES.get(code, _ON_PURPOSE)
    status = STATUSES.get(code, 400)
    return CommonServiceException(code, message, status, sender_fault=status < 500)


def _cancelled(items: int) -> CommonServiceException:
    # Only here: the service's types take a while to load, and most faults need none of them.
    from localstack.aws.api.dynamodb import TransactionCanceledException

    codes = ["TransactionConflict", *["None"] * (items - 1)]
    reasons: list[dict[str, str]] = [{"Code": code} for code in codes]
    reasons[0]["Message"] = MESSAGES[_CONFLICT]
    return TransactionCanceledException(
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]",
        CancellationReasons=reasons,
    )


def _is_ours(context: RequestContext) -> bool:
    return context.is_internal_call or rules.OWN_REQUESTS in context.request.headers.get("User-Agent", "")
