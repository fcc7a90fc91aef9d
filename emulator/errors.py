"""Every error that the emulator raises to the person or program that uses it."""


class EmulatorError(Exception):
    """Something the emulator could not do; `str()` is one sentence that says what to do next."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: what happened, without our frames. IPython's hook."""
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class InvalidApplication(EmulatorError):
    """The application's declaration contradicts itself."""


class InvalidSettings(EmulatorError):
    """A setting does not exist, or cannot have the value that was given."""


class StartFailed(EmulatorError):
    """The sandbox, or a part of it, did not come up."""


class BackendFailed(EmulatorError):
    """The AWS back end (LocalStack, or the one named) is dead, not ready in time, or refuses.

    Attributes:
        log_tail: the last lines of its log, or `""` where there is none.
    """

    def __init__(self, message: str, log_tail: str = "") -> None:
        super().__init__(message if not log_tail else f"{message}\n--- end of its log ---\n{log_tail}")
        self.log_tail = log_tail


class SandboxNotRunning(EmulatorError):
    """A command needs a running sandbox and there is none."""


class FunctionNotFound(EmulatorError):
    """No function of that name in the application. Lambda's `ResourceNotFoundException`."""


class TooManyRequests(EmulatorError):
    """A function's reserved concurrency is in use. Lambda's `TooManyRequestsException`.

    Attributes:
        reason: Lambda's `Reason`, for example `ReservedFunctionConcurrentInvocationLimitExceeded`.
    """

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"Function {function} is throttled: {reason}.")
        self.reason = reason


class PayloadTooLarge(EmulatorError):
    """An invocation's payload is over Lambda's limit. Lambda's `RequestTooLargeException`."""


class InvalidPayload(EmulatorError):
    """An invocation's payload is not JSON. Lambda's `InvalidRequestContentException`."""


class StreamNotFound(EmulatorError):
    """The stream does not exist, or no longer. DynamoDB Streams' `ResourceNotFoundException`."""


class IteratorExpired(EmulatorError):
    """A shard iterator is too old to be used. DynamoDB Streams' `ExpiredIteratorException`."""


class RecordsTrimmed(EmulatorError):
    """The position points before the oldest record that is kept. `TrimmedDataAccessException`."""


class QueueNotFound(EmulatorError):
    """The queue does not exist, or no longer. SQS's `QueueDoesNotExist`."""
