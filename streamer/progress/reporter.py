"""Reports the progress of one attempt without holding up its work."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from streamer.clock import Clock, timestamp
from streamer.errors import StreamerError, Superseded
from streamer.progress.coalescing import KEPT, Coalescer, Pace, Update
from streamer.progress.facts import sendable, snapshot
from streamer.progress.keeping import Keeper
from streamer.progress.patience import is_over_in_time
from streamer.protocol import Progress

LOOK_INTERVAL_S = 1.0
"""Seconds after the last look at the request from which a progress or checkpoint call looks again, and waits
for that. So a call that comes later than that after the last one hears a wish to cancel itself; of calls that
follow each other faster, one within a second of the wish does, as soon as the table has answered. What is
persisted is a look, too: who reports often reads nothing. Ours: half a read unit a second and request."""

CLOSE_S = 1.0
"""Seconds for which progress that is on its way may hold up what comes after the attempt. Ours."""


def _keep_nothing(_message: Progress) -> None:
    pass


def _see_nothing() -> None:
    pass


def _is_settled(_within_s: float) -> int:
    return 0


class ProgressReporter:
    """Takes progress from an action, and sends and persists what coalescing lets through. Thread-safe.

    The action only notes how far it is: a thread that lives while something waits does the sending.
    Messages go out one after another with rising sequence numbers. A failure to send or to persist is
    logged and the action goes on; only when the attempt no longer owns its request, or its user
    cancelled it, does the next progress call raise. An action that reports rarely learns that at the
    very call, which waits for one read then.

    Args:
        first_sequence: the first of the numbers that the claim reserved.
        send: lets a message go to every subscriber, without waiting for those that are slow.
        settle: waits until all of that is out, so many seconds at most; begins nothing of it afterwards,
            and returns how many connections have not answered.
        persist: stores percentage and message; raises a StreamerError that is not retryable, such as
            Superseded, when the attempt is to end.
        look: raises as `persist` does, and writes nothing.
        keep: keeps a message that was sent, for whoever missed it; called by one thread at a time.
        pace: shared by the attempts that follow one another here, so that they keep it together.
        ended_at: when the attempt or the part of one ended that came before this, epoch seconds; None: this
            is the first, or that is long ago.
        floor: the percentage that the work had reached before this invocation.
        close_s: seconds that `close` and `announce` wait for what is on its way.
        monotonic: seconds from anywhere; paces the messages, where `clock` only dates them.
    """

    def __init__(
        self,
        *,
        request_id: str,
        attempt: int,
        first_sequence: int,
        send: Callable[[Progress], None],
        persist: Callable[[float, str], None],
        clock: Clock,
        settle: Callable[[float], int] = _is_settled,
        look: Callable[[], None] = _see_nothing,
        keep: Callable[[Progress], None] = _keep_nothing,
        floor: float = 0.0,
        pace: Pace | None = None,
        ended_at: float | None = None,
        close_s: float = CLOSE_S,
        logger: logging.Logger | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request_id = request_id
        self._attempt = attempt
        self._sequence = first_sequence
        self._send = send
        self._persist = persist
        self._settle = settle
        self._look = look
        self._keeper = Keeper(keep)
        self._close_s = close_s
        self._clock = clock
        self._logger = logger or logging.getLogger(__name__)
        self._monotonic = monotonic
        self._pace = pace or Pace()
        if ended_at is not None:
            self._pace.assume(monotonic() - max(0.0, clock.now() - ended_at))
        self._coalescer = Coalescer(monotonic(), floor=floor, pace=self._pace)
        self._looked_at = monotonic()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ended: StreamerError | None = None

    def progress(self, percentage: float, message: str = "", **metadata: Any) -> None:
        """Note how far the work is; returns at once.

        Args:
            percentage: 0 to 100; a lower one than before counts as the one before.
            message: of characters that UTF-8 has no form for, each is sent as a question mark.
            metadata: JSON-able facts as they are now; what JSON has no form for, or what is deeper than a
                payload may be, is left out.

        Raises:
            TypeError: the message is no text, or the percentage no number.
            MetadataTooLarge: no message carries the metadata; says which field is the largest.
            Superseded: the attempt is over or another one took its place; end the work.
            StreamerError: whatever else `persist` or `look` raised to end it.
        """
        text = sendable(message)
        facts = self._snapshot(metadata) if metadata else None
        with self._changed:
            self._check()
            is_look_due = self._take_look()  # before a thread may write: it would count as this call's look
            due_at = self._coalescer.due_at
            self._coalescer.offer(percentage, text, facts)
            if self._thread is None:
                self._start()
            elif self._coalescer.due_at != due_at:  # else it would wake for nothing, in a loop very often
                self._changed.notify()
        self._see(is_look_due)

    def check(self) -> None:
        """Raise what `progress` does if the attempt is to end; looks where the last look is a while ago."""
        with self._changed:
            self._check()
            is_look_due = self._take_look()
        self._see(is_look_due)

    @property
    def percentage(self) -> float:
        """The highest percentage so far."""
        with self._changed:
            return self._coalescer.percentage

    @property
    def room_in_s(self) -> float:
        """Seconds until another attempt may begin here, announced before: then nothing of it has to wait."""
        return max(0.0, self._pace.free_at(KEPT + 1) - self._monotonic())

    def announce(self, message: str, **metadata: Any) -> None:
        """Send something about the request itself, at once, and keep it; also after `close`.

        It is a progress message with the present percentage, which coalescing does not touch. It is waited
        for as `close` does.
        """
        facts = self._snapshot(metadata) if metadata else None
        update, turn = Update(self.percentage, message, facts), self._keeper.turn
        ends = time.monotonic() + self._close_s
        is_held_up = not self._is_over(lambda: self._note(self._deliver(update), turn), ends)
        self._end(ends, is_held_up=is_held_up)

    def next_sequence(self) -> int:
        """Return the next sequence number; also the outcome's, after `close`."""
        with self._changed:
            sequence = self._sequence
            self._sequence += 1
            return sequence

    def close(self) -> None:
        """Send what waits, then nothing any more. Idempotent.

        Where others just took the second's ten, only 100 % is sent.

        Returns when the last message is out; what a slow subscriber or the table holds up for longer than
        `close_s` is left behind: it is progress, and what comes next is more.
        """
        with self._changed:
            self._closing = True
            thread = self._thread
            self._changed.notify()
        ends = time.monotonic() + self._close_s
        if thread is not None:
            thread.join(self._close_s)
        is_held_up = thread is not None and thread.is_alive()
        while not self._ended and not is_held_up and (update := self._take_rest()) is not None:
            is_held_up = not self._is_over(partial(self._deliver, update), ends)
        self._end(ends, is_held_up=is_held_up)

    def __enter__(self) -> "ProgressReporter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_rest(self) -> Update | None:
        with self._changed:
            return self._coalescer.take_rest(self._monotonic())

    def _take_look(self) -> bool:
        """Whether the caller is to look at the request; nobody else does for a while then."""
        now = self._monotonic()
        if now - self._looked_at < LOOK_INTERVAL_S:
            return False
        self._looked_at = now
        return True

    def _see(self, is_look_due: bool) -> None:
        if is_look_due:
            self._try(self._look, "The request was not looked at", "progress.not_looked")
        with self._changed:
            self._check()

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
        if self._closing:
            raise Superseded("The attempt is over; what still works for it may end.")

    def _start(self) -> None:
        name, turn = f"progress-{self._request_id}", self._keeper.turn
        thread = threading.Thread(target=self._work, args=(turn,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread to be had: the next call tries again, and `close` sends what waits
            self._logger.warning("Progress waits for a thread", extra={"action": "progress.delayed"})
            return
        self._thread = thread

    def _is_over(self, call: Callable[[], object], ends: float) -> bool:
        return is_over_in_time(call, ends, name=f"progress-{self._request_id}")

    def _end(self, ends: float, *, is_held_up: bool) -> None:
        """Wait for those who are being told, and say what is left behind."""
        if is_held_up:
            self._keeper.leave_behind()
        slow = self._settle(max(0.0, ends - time.monotonic()))
        if slow or is_held_up:
            self._logger.warning(
                "Progress was left on its way", extra={"action": "progress.left", "connections": slow}
            )

    def _work(self, turn: int) -> None:
        while True:
            with self._changed:
                if not self._wait():
                    self._thread = None
                    return
                now = self._monotonic()
                update = self._coalescer.take_message(now)
                write = None if update else self._coalescer.take_write(now)
                if write is not None:
                    self._looked_at = now
            if update is not None:
                sent = self._deliver(update)
                with self._changed:
                    self._coalescer.sent(sent)
            if write is not None:
                save = partial(self._persist, write.percentage, write.message)
                self._try(save, "Progress was not stored", "progress.not_stored")
                self._note(write, turn)

    def _wait(self) -> bool:
        """Wait until something is due; False when nothing will be, or `close` takes over."""
        while not self._closing and self._ended is None:
            due_at = self._coalescer.due_at
            if due_at is None:
                return False
            delay_s = due_at - self._monotonic()
            if delay_s <= 0:
                return True
            self._changed.wait(delay_s)
        return False

    def _deliver(self, update: Update) -> Progress:
        message = Progress(
            request_id=self._request_id,
            sequence=self.next_sequence(),
            timestamp=timestamp(self._clock.now()),
            attempt=self._attempt,
            percentage=update.percentage,
            message=update.message,
            metadata=dict(update.metadata) if update.metadata else None,
        )
        self._pace.note(self._monotonic())
        try:
            self._send(message)
        except Exception:
            self._logger.warning(
                "Progress was not sent", exc_info=True, extra={"action": "progress.not_sent"}
            )
        return message

    def _try(self, call: Callable[[], None], failure: str, action: str) -> None:
        """Make a call that may end the attempt; what fails otherwise is logged."""
        try:
            call()
        except Exception as error:
            if isinstance(error, StreamerError) and not error.retryable:
                with self._changed:
                    self._ended = error
                    self._changed.notify()
            else:
                self._logger.warning(failure, exc_info=True, extra={"action": action})

    def _note(self, message: Progress, turn: int) -> None:
        try:
            if self._ended is None:
                self._keeper.keep(message, turn)
        except Exception:
            self._logger.warning(
                "Progress was not stored", exc_info=True, extra={"action": "progress.not_stored"}
            )

    def _snapshot(self, metadata: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return snapshot(metadata)
        except ValueError:
            self._logger.warning(
                "Progress metadata has no JSON form", extra={"action": "progress.metadata_dropped"}
            )
            return None
