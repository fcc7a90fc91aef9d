"""The whole application, and whether its parts fit together."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emulator.application.apis import WebSocketApi
from emulator.application.data import BucketObject, LifecycleRule, Queue, Secret, Table
from emulator.application.destinations import Destination, Service
from emulator.application.functions import Function
from emulator.application.quotas import check_function
from emulator.application.sources import QueueMapping, Schedule, StreamMapping
from emulator.errors import InvalidApplication


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that one application declares.

    Raises:
        InvalidApplication: something names what is not declared, two things have one name, or something
            is more than AWS allows.
    """

    name: str
    functions: Sequence[Function] = ()
    apis: Sequence[WebSocketApi] = ()
    tables: Sequence[Table] = ()
    stream_mappings: Sequence[StreamMapping] = ()
    queue_mappings: Sequence[QueueMapping] = ()
    schedules: Sequence[Schedule] = ()
    queues: Sequence[Queue] = ()
    topics: Sequence[str] = ()
    buckets: Sequence[str] = ()
    lifecycle_rules: Sequence[LifecycleRule] = ()
    secrets: Sequence[Secret] = ()
    objects: Sequence[BucketObject] = ()

    def __post_init__(self) -> None:
        self._check_names()
        declared = {
            Service.FUNCTION: {function.name for function in self.functions},
            Service.QUEUE: {queue.name for queue in self.queues},
            Service.TOPIC: set(self.topics),
            Service.BUCKET: set(self.buckets),
        }
        for user, used in self._uses():
            if used.name not in declared[used.service]:
                raise InvalidApplication(
                    f"{user} names the {used.service.name.lower()} {used.name!r}, which is not declared."
                )
        with_stream = {table.name for table in self.tables if table.stream_view_type is not None}
        for mapping in self.stream_mappings:
            if mapping.table not in with_stream:
                raise InvalidApplication(
                    f"The stream mapping to {mapping.function} reads table {mapping.table!r}, which is not"
                    " declared with a stream; give the table a stream_view_type."
                )
        for function in self.functions:
            check_function(function)
        for api in self.apis:
            _check_api(api)

    def function(self, name: str) -> Function:
        """Return the function called `name`, or the only one whose name ends with `-name`.

        Raises:
            KeyError: there is none, or several end so.
        """
        for function in self.functions:
            if function.name == name:
                return function
        found = [function for function in self.functions if function.name.endswith(f"-{name}")]
        if len(found) != 1:
            raise KeyError(name)
        return found[0]

    def _check_names(self) -> None:
        named = (
            ("functions", (function.name for function in self.functions)),
            ("APIs", (api.name for api in self.apis)),
            ("tables", (table.name for table in self.tables)),
            ("schedules", (schedule.name for schedule in self.schedules)),
            ("queues", (queue.name for queue in self.queues)),
            ("topics", self.topics),
            ("buckets", self.buckets),
            ("secrets", (secret.name for secret in self.secrets)),
        )
        for what, names in named:
            for name, count in Counter(names).items():
                if count > 1:
                    raise InvalidApplication(
                        f"{count} {what} are called {name!r}; give each a name of its own."
                    )

    def _uses(self) -> Iterator[tuple[str, Destination]]:
        """Iterate over who names what."""
        for api in self.apis:
            for route in api.routes:
                yield f"Route {route.key} of API {api.name}", Destination.function(route.function)
            for authorizer in api.authorizers:
                yield f"Authorizer {authorizer.name}", Destination.function(authorizer.function)
        for stream in self.stream_mappings:
            user = f"The stream mapping of {stream.table}"
            yield user, Destination.function(stream.function)
            if stream.on_failure is not None:
                yield user, stream.on_failure
        for source in self.queue_mappings:
            user = f"The queue mapping of {source.queue}"
            yield user, Destination.function(source.function)
            yield user, Destination.queue(source.queue)
        for schedule in self.schedules:
            yield f"Schedule {schedule.name}", Destination.function(schedule.function)
        for queue in self.queues:
            if queue.dead_letter_queue is not None:
                yield f"Queue {queue.name}", Destination.queue(queue.dead_letter_queue)
        for rule in self.lifecycle_rules:
            yield f"A lifecycle rule for {rule.prefix}", Destination.bucket(rule.bucket)
        for function in self.functions:
            for named in (
                function.asynchronous.on_success,
                function.asynchronous.on_failure,
                function.dead_letter,
            ):
                if named is not None:
                    yield f"Function {function.name}", named


def _check_api(api: WebSocketApi) -> None:
    names = [stage.name for stage in api.stages]
    if not names or len(set(names)) != len(names):
        raise InvalidApplication(f"API {api.name} needs one stage at least, each with a name of its own.")
    expression = api.route_selection_expression
    if "$" not in expression and "request.body" in expression:
        # AWS takes it, too, as text that is the same for every message.
        raise InvalidApplication(
            f"The route selection expression {expression!r} of API {api.name} names a path without its dollar"
            " sign, and so would select one route for every message; write"
            f" {_with_dollars(expression)!r}."
        )
    authorizers = {authorizer.name for authorizer in api.authorizers}
    for route in api.routes:
        if route.authorizer is not None and route.key != "$connect":
            raise InvalidApplication(
                f"Route {route.key} of API {api.name} has an authorizer; only $connect can have one."
            )
        if route.authorizer is not None and route.authorizer not in authorizers:
            raise InvalidApplication(
                f"Route {route.key} of API {api.name} names the authorizer {route.authorizer!r}, which is"
                " not declared."
            )
        if route.model is not None and route.model not in api.models:
            raise InvalidApplication(
                f"Route {route.key} of API {api.name} names the model {route.model!r}, which is not declared."
            )


def _with_dollars(expression: str) -> str:
    return re.sub(r"(\{?)request\.body", r"$\1request.body", expression)
