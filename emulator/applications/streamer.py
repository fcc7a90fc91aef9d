"""Streamer itself as an application of the emulator."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import PathFinder
from io import TextIOBase
from pathlib import Path
from typing import Any

import streamer
from emulator import application as model
from emulator.account import REGION
from emulator.applications.streamer_inline import InlineParts
from emulator.errors import InvalidApplication
from emulator.state import State
from streamer.actions.ledger import LEDGER_KEY, SEED, generate_ledger
from streamer.auth.development import generate_key_pair, issue_token
from streamer.clients.python import Client, ClientError, RequestHandle, connect
from streamer.deployment import Deployment
from streamer.dynamorm import Table
from streamer.lifecycle import TRANSITIONS, Status
from streamer.stack import Function, Stack, stack

DEVELOPMENT_KEY_ID = "development"
"""`kid` of the key that signs the sandbox's tokens."""

CODE = Path(streamer.__file__).resolve().parent.parent
"""The folder that the functions' code lies in."""

TOKEN_LIFETIME_S = 3600.0
"""Of a sandbox's token unless asked otherwise. Ours."""

WARM_ENVIRONMENTS = 1
"""Environments per function that start before they are needed, so that a first request is quick."""


class Source:
    """Streamer in the sandbox: the stack as it is declared, a ledger to report on, a key for tokens."""

    def __init__(
        self,
        *,
        action_modules: str | Sequence[str] = (),
        python_path: str | Sequence[str] = (),
        **settings: Any,
    ) -> None:
        """Take what differs from the stack.

        Args:
            action_modules: module or modules whose actions are offered beside those that ship.
            python_path: folder or folders in which the functions find modules that are not installed, the
                functions' `PYTHONPATH`.
            settings: fields of `streamer.settings.Settings`.

        Raises:
            InvalidApplication: the functions would not find a module of `action_modules`.
        """
        action_modules = [action_modules] if isinstance(action_modules, str) else action_modules
        python_path = [python_path] if isinstance(python_path, str) else python_path
        python_path = [str(Path(folder).resolve()) for folder in python_path]
        declared = stack(**settings)
        if action_modules:
            _check_modules(action_modules, python_path)
            offered = ",".join([declared.settings.action_modules, *action_modules])
            declared = stack(**{**settings, "action_modules": offered})
        self._stack = declared
        self._python_path = {"PYTHONPATH": os.pathsep.join(python_path)} if python_path else {}
        self._key: Mapping[str, Any] | None = None
        self._inline = InlineParts(self._stack)

    def application(self) -> model.Application:
        """Translate the stack, and add what only a sandbox has: objects and keys."""
        declared = self._stack
        private_key, public_keys = generate_key_pair(DEVELOPMENT_KEY_ID)
        return model.Application(
            name=declared.name,
            functions=[_function(function, self._python_path) for function in declared.functions],
            apis=[
                model.WebSocketApi(
                    name=declared.api.name,
                    stages=[model.Stage(declared.api.stage)],
                    route_selection_expression=declared.api.route_selection_expression,
                    routes=[
                        model.Route(route.key, route.function, route_response=route.route_response)
                        for route in declared.api.routes
                    ],
                )
            ],
            tables=[table_of(table) for table in declared.tables],
            stream_mappings=[
                model.StreamMapping(
                    table=mapping.table,
                    function=mapping.function,
                    filters=mapping.filters,
                    batch_size=mapping.batch_size,
                    starting_position=model.StartingPosition(mapping.starting_position),
                    maximum_retry_attempts=mapping.maximum_retry_attempts,
                    report_batch_item_failures=mapping.report_batch_item_failures,
                    on_failure=model.Destination.queue(mapping.on_failure_queue),
                )
                for mapping in declared.stream_mappings
            ],
            schedules=[
                model.Schedule(schedule.name, schedule.expression, schedule.function)
                for schedule in declared.schedules
            ],
            queues=[model.Queue(name) for name in declared.queues],
            buckets=declared.buckets,
            lifecycle_rules=[
                model.LifecycleRule(rule.bucket, rule.prefix, rule.expiration_days)
                for rule in declared.lifecycle_rules
            ],
            secrets=[
                model.Secret(declared.settings.jwt_keys_secret, json.dumps(public_keys)),
                model.Secret(_development_key_secret(declared), json.dumps(private_key)),
            ],
            objects=[
                model.BucketObject(
                    declared.settings.bucket, LEDGER_KEY, lambda: generate_ledger(SEED), "text/csv"
                )
            ],
        )

    def started(self, state: State) -> None:
        """Tell Streamer's own commands where this deployment runs."""
        self._deployment(state).save()

    def stopped(self, state: State) -> None:
        """Take that back, unless another deployment has taken its place."""
        self._deployment(state).withdraw()

    def token(
        self,
        client: Callable[[str], Any],
        *,
        user: str,
        tenant: str,
        permissions: Sequence[str] = (),
        expires_in_s: float = TOKEN_LIFETIME_S,
        now: float,
    ) -> str:
        """Return a token signed with the sandbox's development key, issued at `now` (epoch seconds)."""
        if self._key is None:
            secret = client("secretsmanager").get_secret_value(SecretId=_development_key_secret(self._stack))
            self._key = json.loads(secret["SecretString"])
        assert self._key is not None
        return issue_token(
            self._key,
            user_id=user,
            tenant_id=tenant,
            permissions=permissions,
            expires_in_s=expires_in_s,
            now=now,
            audience=self._stack.settings.jwt_audience,
            issuer=self._stack.settings.jwt_issuer,
        )

    async def connect(
        self,
        state: State,
        client: Callable[[str], Any],
        *,
        user: str,
        tenant: str,
        permissions: Sequence[str] = (),
        expires_in_s: float = TOKEN_LIFETIME_S,
        token: str | None = None,
        now: float,
        **options: Any,
    ) -> Client:
        """Return a connected client.

        Args:
            token: None makes one for `user` of `tenant` with `permissions`, good for `expires_in_s`; unless
                there is a `token_provider` among the options.
            now: the sandbox's time, epoch seconds.
            options: what `streamer.clients.python.connect` takes.
        """
        if token is None and options.get("token_provider") is None:
            # In a thread: the first time it asks the back end, and the caller's event loop must not wait.
            token = await asyncio.to_thread(
                self.token,
                client,
                user=user,
                tenant=tenant,
                permissions=permissions,
                expires_in_s=expires_in_s,
                now=now,
            )
        return await connect(state.addresses.websocket, token=token, **options)

    @property
    def lifecycle(self) -> Mapping[tuple[str, str], str]:
        """The states of a long request."""
        return {(status.value, event.value): after.value for (status, event), after in TRANSITIONS.items()}

    @property
    def initial_state(self) -> str:
        """The state of a request that was just queued."""
        return Status.PENDING.value

    @property
    def requests(self) -> tuple[type, ...]:
        """What `Client.request` returns."""
        return (RequestHandle,)

    @property
    def folders(self) -> tuple[str, ...]:
        """Where Streamer's own code lies."""
        return (str(CODE / "streamer") + os.sep,)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the client raises."""
        return (ClientError,)

    def inline_handler(self, function: str, state: State, log: TextIOBase) -> Callable[[Any, Any], Any]:
        """Build the handler of a function for a thread of this process."""
        return self._inline.handler(function, state, log)

    def add_action(self, action: Any, **declaration: Any) -> Any:
        """Offer an action to the inline handlers; see `InlineParts.add_action`."""
        return self._inline.add_action(action, **declaration)

    def _deployment(self, state: State) -> Deployment:
        settings = self._stack.settings
        return Deployment(
            name=self._stack.name,
            websocket_url=state.addresses.websocket,
            management_url=state.addresses.management,
            region=REGION,
            connections_table=settings.connections_table,
            requests_table=settings.requests_table,
            subscriptions_table=settings.subscriptions_table,
            counters_table=settings.counters_table,
            records_table=settings.records_table,
            bucket=settings.bucket,
            jwt_keys_secret=settings.jwt_keys_secret,
            jwt_audience=settings.jwt_audience,
            jwt_issuer=settings.jwt_issuer,
            aws_endpoint_url=state.addresses.aws_endpoint,
            ca_bundle=state.addresses.ca_bundle,
            development_key_secret=_development_key_secret(self._stack),
            max_in_flight_per_user=settings.max_in_flight_per_user,
            max_in_flight_per_tenant=settings.max_in_flight_per_tenant,
            clock_offset_s=state.clock_offset_s,
        )


def _check_modules(names: Sequence[str], python_path: Sequence[str]) -> None:
    """Look for the modules where the functions will; nothing of them is imported.

    Raises:
        InvalidApplication: one is not there.
    """
    places = [str(CODE), *python_path, *sys.path]
    for name in names:
        if PathFinder.find_spec(name.split(".")[0], places) is None:
            raise InvalidApplication(
                f"The functions would not find the action module {name!r}: correct its name, or name its"
                " folder in the option python_path."
            )


def _development_key_secret(declared: Stack) -> str:
    return f"{declared.name}/development-key"


def _function(function: Function, further: Mapping[str, str]) -> model.Function:
    asynchronous = function.asynchronous
    return model.Function(
        name=function.name,
        handler=function.handler,
        code=CODE,
        timeout_s=function.timeout_s,
        memory_mb=function.memory_mb,
        environment={**function.environment, **further},
        provisioned_concurrency=WARM_ENVIRONMENTS,
        asynchronous=model.AsynchronousConfig()
        if asynchronous is None
        else model.AsynchronousConfig(
            maximum_retry_attempts=asynchronous.maximum_retry_attempts,
            on_failure=model.Destination.function(asynchronous.on_failure),
        ),
    )


def table_of(table: Table) -> model.Table:
    """Translate a table of DynamORM's."""
    return model.Table(
        name=table.name,
        partition_key=_key(table.partition_key),
        sort_key=_key(table.sort_key) if table.sort_key else None,
        indexes=[
            model.Index(
                index.name,
                _key(index.partition_key),
                _key(index.sort_key) if index.sort_key else None,
                index.projection,
            )
            for index in table.indexes
        ],
        stream_view_type=model.StreamViewType(table.stream) if table.stream else None,
        ttl_attribute=table.ttl_attribute,
    )


def _key(attribute: Any) -> model.Key:
    return model.Key(attribute.name, attribute.type.value)
