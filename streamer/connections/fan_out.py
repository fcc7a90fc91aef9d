"""One message to many connections: many posts under way at once; who needs several holds nobody up."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from contextvars import copy_context
from logging import Logger
from typing import Any, Protocol, TypeVar

from streamer.connections.posting import Post, Poster
from streamer.connections.retries import Delivery, Reply, RetryPolicy
from streamer.connections.transport import Transport

_R = TypeVar("_R")


class Subscriber(Protocol):
    """Whom a message goes to: a connection and the endpoint that it hangs on."""

    @property
    def connection_id(self) -> str: ...

    @property
    def endpoint(self) -> str: ...


class FanOut:
    """One sending to many.

    The first post to each is made by the thread that sends, many at a time; threads are only needed for
    those that are insisted on, or are gone and have to be removed.
    """

    def __init__(
        self,
        transport: Transport,
        poster: Poster,
        threads: Callable[[], Executor],
        policy: RetryPolicy,
        logger: Logger,
    ) -> None:
        self._transport = transport
        self._poster = poster
        self._threads = threads
        self._policy = policy
        self._logger = logger
        self._posts: list[tuple[int, Post]] = []
        self._ended: dict[int, Delivery] = {}
        self._later: dict[int, tuple[Future[Delivery], Post | None]] = {}
        self._removals: list[Future[None]] = []

    def send(self, subscribers: Sequence[Subscriber], data: bytes, within_s: float | None) -> list[Delivery]:
        """Return what became of each; as `ConnectionManager.send_many`."""
        began = time.monotonic()
        try:
            self._post(subscribers, data, within_s)
        except Exception:
            self._logger.exception("Messages are sent one by one", extra={"action": "messages.one_by_one"})
            self._post_singly(subscribers, data)
        left_s = None if within_s is None else max(0.0, within_s - (time.monotonic() - began))
        begun: list[Future[Any]] = [*(future for future, _ in self._later.values()), *self._removals]
        wait(begun, left_s)
        for place, (future, post) in self._later.items():
            if future.done():
                self._ended[place] = future.result()
            elif future.cancel() and post is not None:
                self._poster.give_up(post)
        return [self._ended.get(place, Delivery.FAILED) for place in range(len(subscribers))]

    def _policy_until(self, until: float | None) -> RetryPolicy:
        return self._policy if until is None else self._policy.within(max(0.0, until - time.monotonic()))

    def _targets(self, subscribers: Sequence[Subscriber], until: float | None) -> Iterator[tuple[str, str]]:
        for place, to in enumerate(subscribers):
            post = self._poster.admit(to.endpoint, to.connection_id, self._policy_until(until))
            if post is None:
                self._ended[place] = Delivery.REJECTED
            else:
                self._posts.append((place, post))
                yield to.endpoint, to.connection_id

    def _post(self, subscribers: Sequence[Subscriber], data: bytes, within_s: float | None) -> None:
        until = None if within_s is None else time.monotonic() + within_s
        targets = self._targets(subscribers, until)
        for number, reply in self._transport.post_many(targets, data, within_s=within_s):
            place, post = self._posts[number]
            verdict = self._poster.answered(post, reply)
            if verdict is None:
                self._insist_later(place, post, data, reply)
                continue
            self._ended[place] = verdict
            if verdict is Delivery.GONE:
                self._removals.append(self._submit(self._poster.gone, post.connection_id))

    def _post_singly(self, subscribers: Sequence[Subscriber], data: bytes) -> None:
        begun = dict(self._posts)
        for place, to in enumerate(subscribers):
            if place in self._ended or place in self._later:
                continue
            if place in begun:
                self._insist_later(place, begun[place], data)
            else:
                sending = self._submit(self._poster.send, to.endpoint, to.connection_id, data, self._policy)
                self._later[place] = (sending, None)

    def _insist_later(self, place: int, post: Post, data: bytes, reply: Reply | None = None) -> None:
        self._later[place] = (self._submit(self._poster.insist, post, data, reply), post)

    def _submit(self, work: Callable[..., _R], *arguments: object) -> Future[_R]:
        return self._threads().submit(copy_context().run, work, *arguments)
