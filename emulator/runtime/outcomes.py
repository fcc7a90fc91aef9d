"""What an environment makes of a call where the function gave no answer. Pure."""

from emulator.clock import timestamp
from emulator.runtime import payloads
from emulator.runtime.invocations import Outcome


def exit_outcome(request_id: str, status: int | None, *, error_type: str | None = None) -> Outcome:
    """Return the outcome of an invocation whose process ended (row E38).

    Args:
        status: exit code, or minus the signal's number; None where it is not known.
        error_type: of the REPORT line, where the platform knows better.
    """
    line = f"RequestId: {request_id} Error: {payloads.exit_reason(status)}\nRuntime.ExitError\n"
    payload = payloads.exit_payload(request_id, status)
    return Outcome(payload, payloads.UNHANDLED, error_type or "Runtime.ExitError", "error", line)


def timeout_outcome(request_id: str, timeout_s: float, *, at: float, classic: bool) -> Outcome:
    """Return the outcome of an invocation that took too long (rows E35 and E52); `at` is epoch seconds."""
    payload = payloads.timeout_payload(request_id, timeout_s, at=at, classic=classic)
    line = f"{timestamp(at)} {request_id} Task timed out after {timeout_s:.2f} seconds\n\n"
    return Outcome(payload, payloads.UNHANDLED, status="timeout", line=line)


def too_large_outcome() -> Outcome:
    """Return the outcome of an invocation whose response is over the limit (row E39)."""
    error_type = "Function.ResponseSizeTooLarge"
    return Outcome(payloads.too_large_payload(), payloads.UNHANDLED, error_type, "error")


def init_error_outcome(payload: bytes) -> Outcome:
    """Return the outcome of an initialisation that the runtime client itself gave up (row E6)."""
    return Outcome(payload, payloads.UNHANDLED, payloads.error_type_of(payload), "error")
