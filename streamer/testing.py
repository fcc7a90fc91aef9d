"""For tests: a context to call an action with, S3 in memory, and actions that do what a test needs.

Named in `Settings.action_modules` (`streamer.actions,streamer.testing`), its actions are offered like any
other. Never name it where clients are not yours: `kill_environment` does what it says.
"""

import io
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from streamer.actions.context import ActionContext, ReportProgress, StoreCheckpoint
from streamer.actions.declaration import action
from streamer.actions.payloads import Payload
from streamer.clock import Clock, SystemClock
from streamer.errors import ActionFailed
from streamer.identity import Identity
from streamer.progress.facts import sendable, snapshot
from streamer.settings import Settings


class MemoryS3:
    """What an action uses of boto3's `s3`, over a dictionary.

    Attributes:
        objects: content by bucket and key.
        metadata: the objects' metadata by bucket and key.
    """

    def __init__(self, objects: Mapping[tuple[str, str], bytes] | None = None) -> None:
        self.objects: dict[tuple[str, str], bytes] = dict(objects or {})
        self.metadata: dict[tuple[str, str], dict[str, str]] = {}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803 - boto3's names
        Key: str,  # noqa: N803
        Body: Any,  # noqa: N803
        ContentType: str = "binary/octet-stream",  # noqa: N803
        Metadata: Mapping[str, str] | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        self.objects[Bucket, Key] = Body if isinstance(Body, bytes) else Body.read()
        self.metadata[Bucket, Key] = dict(Metadata or {})
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            message = "The specified key does not exist."
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": message}}, "GetObject")
        body = self.objects[Bucket, Key]
        return {
            "Body": StreamingBody(io.BytesIO(body), len(body)),
            "ContentLength": len(body),
            "Metadata": self.metadata.get((Bucket, Key), {}),
        }

    def generate_presigned_url(
        self,
        operation: str,
        Params: Mapping[str, str],  # noqa: N803
        ExpiresIn: int = 3600,  # noqa: N803
    ) -> str:
        return f"https://{Params['Bucket']}.example/{quote(Params['Key'])}?X-Amz-Expires={ExpiresIn}"


class RecordedProgress:
    """Keeps what an action reports: `(percentage, message, metadata)` in `updates`.

    Message and metadata are as they would be sent, and what cannot be sent is the same error.
    """

    def __init__(self) -> None:
        self.updates: list[tuple[float, str, dict[str, Any]]] = []

    def __call__(self, percentage: float, message: str = "", **metadata: Any) -> None:
        """Note how far the work is.

        Raises:
            TypeError: the message is no text.
            MetadataTooLarge: no message carries the metadata; says which field is the largest.
        """
        text = sendable(message)
        try:
            facts = snapshot(metadata)
        except ValueError:
            facts = {}
        self.updates.append((percentage, text, facts))


def make_context(
    *,
    action: str = "test",
    tenant: str = "acme",
    user: str = "ada",
    request_id: str = "request-1",
    run_id: str = "run-1",
    attempt: int = 1,
    clients: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
    settings: Settings | None = None,
    progress: ReportProgress | None = None,
    checkpoint: StoreCheckpoint | None = None,
    restored: Any = None,
    metadata: Mapping[str, str] | None = None,
    remaining_s: Callable[[], float] = lambda: 900.0,
) -> ActionContext:
    """Return a context to call an action with: `echo({"a": 1}, make_context())`.

    Args:
        clients: what `context.client(name)` returns, by name, for example `{"s3": MemoryS3()}`.
        progress: for example a `RecordedProgress`.
        checkpoint: what takes the action's checkpoints, for example the `append` of a list.
        restored: the checkpoint that the action goes on from.
        metadata: what the client sent beside the payload.
    """
    return ActionContext(
        action=action,
        identity=Identity(tenant, user, frozenset(), expires_at=float("inf")),
        request_id=request_id,
        run_id=run_id,
        correlation_id=f"correlation-of-{request_id}",
        attempt=attempt,
        settings=settings or make_settings(),
        clock=clock or SystemClock(),
        client=dict(clients or {}).__getitem__,
        logger=logging.getLogger("streamer.testing"),
        remaining_s=remaining_s,
        progress=progress,
        checkpoint=checkpoint,
        restored=restored,
        metadata=metadata,
    )


def make_settings(**changes: Any) -> Settings:
    """Return settings that name nothing which exists, with these changes."""
    names = {
        "connections_table": "test-connections",
        "requests_table": "test-requests",
        "subscriptions_table": "test-subscriptions",
        "counters_table": "test-counters",
        "records_table": "test-records",
        "bucket": "test-bucket",
        "executor_function": "test-executor",
        "jwt_keys_secret": "test-keys",
    }
    return Settings(**(names | changes))


class SleepPayload(Payload, frozen=True, kw_only=True):
    """How long, and in how many steps with progress between."""

    seconds: float = 1.0
    steps: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= 840 or not 1 <= self.steps <= 100_000:
            raise ValueError("seconds is 0 to 840 and steps is 1 to 100,000")


class FailPayload(Payload, frozen=True, kw_only=True):
    """How to fail.

    Attributes:
        expected: an `ActionFailed` with these fields; else a RuntimeError, as a fault would raise.
        attempts: the first so many attempts fail; 0 is every attempt.
    """

    message: str = "This failed because it was asked to."
    code: str = "ASKED_TO_FAIL"
    expected: bool = True
    retryable: bool = False
    attempts: int = 0


class KillPayload(Payload, frozen=True, kw_only=True):
    """When to die: in the first so many attempts, after so many seconds."""

    attempts: int = 1
    after_s: float = 0.0


class FillPayload(Payload, frozen=True, kw_only=True):
    """How many bytes."""

    size_bytes: int = 200_000

    def __post_init__(self) -> None:
        if not 0 <= self.size_bytes <= 20_000_000:
            raise ValueError("size_bytes is 0 to 20,000,000")


@action("fill", payload=FillPayload)
def fill(payload: FillPayload, context: ActionContext) -> str:
    """Give so many letters: a result that is too large for a message, or for anything."""
    return "x" * payload.size_bytes


@action("noop", payload=dict[str, Any], estimated_duration_s=60.0)
def noop(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Do nothing, as a long request: what is left is the cost of the way. Gives `{}`."""
    return {}


@action("sleep", payload=SleepPayload, estimated_duration_s=60.0)
def sleep(payload: SleepPayload, context: ActionContext) -> dict[str, Any]:
    """Sleep in steps, with progress before each and at the end. Gives `{"slept_s", "steps", "attempt"}`."""
    for step in range(payload.steps):
        context.progress(100 * step / payload.steps, f"Step {step + 1} of {payload.steps}", step=step)
        time.sleep(payload.seconds / payload.steps)
    context.progress(100, "Slept enough", step=payload.steps)
    return {"slept_s": payload.seconds, "steps": payload.steps, "attempt": context.attempt}


@action("sleep_on", payload=SleepPayload, estimated_duration_s=60.0)
def sleep_on(payload: SleepPayload, context: ActionContext) -> dict[str, Any]:
    """Do as `sleep` does, in as many invocations as it needs: each step is a checkpoint.

    Gives `{"slept_s", "steps", "attempt", "runs"}`; `runs` counts how often it was called.
    """
    restored = context.restored or {"step": 0, "runs": 0}
    runs = restored["runs"] + 1
    for step in range(restored["step"], payload.steps):
        context.checkpoint({"step": step, "runs": runs})
        context.progress(100 * step / payload.steps, f"Step {step + 1} of {payload.steps}", step=step)
        time.sleep(payload.seconds / payload.steps)
    return {"slept_s": payload.seconds, "steps": payload.steps, "attempt": context.attempt, "runs": runs}


@action("sleep_async", payload=SleepPayload, estimated_duration_s=60.0)
async def sleep_async(payload: SleepPayload, context: ActionContext) -> dict[str, Any]:
    """Do as `sleep` does, as a coroutine."""
    import asyncio

    for step in range(payload.steps):
        context.progress(100 * step / payload.steps, f"Step {step + 1} of {payload.steps}", step=step)
        await asyncio.sleep(payload.seconds / payload.steps)
    return {"slept_s": payload.seconds, "steps": payload.steps, "attempt": context.attempt}


@action("fail", payload=FailPayload, estimated_duration_s=60.0)
def fail(payload: FailPayload, context: ActionContext) -> dict[str, Any]:
    """Fail as a long request, as the payload says; else gives `{"attempt": int}`."""
    return _fail(payload, context)


@action("fail_now", payload=FailPayload)
def fail_now(payload: FailPayload, context: ActionContext) -> dict[str, Any]:
    """Fail as a short request, as the payload says."""
    return _fail(payload, context)


@action("kill_environment", payload=KillPayload, estimated_duration_s=60.0)
def kill_environment(payload: KillPayload, context: ActionContext) -> dict[str, Any]:
    """Kill the process it runs in with SIGKILL, as a crash does; then give `{"attempt": int}`.

    Refuses where the process is not an execution environment but the one of whoever tests.
    """
    if "AWS_LAMBDA_RUNTIME_API" not in os.environ:
        raise ActionFailed("This process is no execution environment; use isolated environments.")
    if context.attempt <= payload.attempts:
        context.progress(50, "About to die")
        time.sleep(payload.after_s)
        os.kill(os.getpid(), signal.SIGKILL)
    return {"attempt": context.attempt}


def _fail(payload: FailPayload, context: ActionContext) -> dict[str, Any]:
    if payload.attempts == 0 or context.attempt <= payload.attempts:
        if payload.expected:
            raise ActionFailed(payload.message, code=payload.code, retryable=payload.retryable)
        raise RuntimeError(payload.message)
    return {"attempt": context.attempt}
