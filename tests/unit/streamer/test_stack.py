"""The declaration of the application."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from streamer.actions.objects import output_key, source_keys
from streamer.dynamorm.cli import tables_of
from streamer.identity import Identity
from streamer.settings import Settings
from streamer.stack import stack
from streamer.store import models
from streamer.store.limits import REQUEST_TTL_S
from streamer.store.tables import table_names


def test_functions_are_told_the_names_of_everything() -> None:
    """Each function's environment gives back the settings that name the tables, the bucket, the executor."""
    declared = stack("acme", jwt_algorithms="HS256", max_attempts=5)
    for function in declared.functions:
        settings = Settings.from_environment(function.environment)
        assert settings == declared.settings
    assert (settings.jwt_algorithms, settings.max_attempts) == ("HS256", 5)
    assert {table.name for table in declared.tables} == {
        settings.connections_table,
        settings.requests_table,
        settings.subscriptions_table,
        settings.counters_table,
        settings.records_table,
    }
    assert settings.bucket in declared.buckets
    assert settings.jwt_keys_secret in declared.secrets
    assert settings.executor_function in {function.name for function in declared.functions}


def test_every_table_of_the_store_is_deployed_as_its_models_declare_it() -> None:
    """A table is declared once, beside its models; only its name differs in an account."""
    declared = stack("acme")
    names = table_names(declared.settings)
    expected = [replace(table, name=names[table.name]) for table in tables_of(models)]
    assert sorted(declared.tables, key=lambda table: table.name) == sorted(
        expected, key=lambda table: table.name
    )


def test_every_name_begins_with_the_deployments() -> None:
    """Two deployments in one account share nothing."""
    one, two = stack("one"), stack("two")
    for kind in ("tables", "functions", "schedules"):
        names = [{each.name for each in getattr(declared, kind)} for declared in (one, two)]
        assert not names[0] & names[1]
    assert not {*one.queues, *one.buckets, *one.secrets} & {*two.queues, *two.buckets, *two.secrets}


def test_a_number_may_be_given_as_text() -> None:
    """As a command line does; what is no number is told."""
    assert stack(max_in_flight_per_user="2").settings.max_in_flight_per_user == 2
    executor = stack(executor_timeout_s="5").functions[4]  # type: ignore[arg-type]
    assert (executor.name, executor.timeout_s) == ("streamer-executor", 5)


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("max_in_flight_per_user", "many", 0),
        ("max_in_flight_per_tenant", -1, 0),
        ("max_attempts", 0, 1),
        ("max_attempts", 2.5, 1),
        ("executor_timeout_s", "long", 1),
        ("executor_timeout_s", math.nan, 1),
    ],
)
def test_a_number_that_a_setting_cannot_have_is_refused(name: str, value: Any, least: int) -> None:
    """Before anything runs, in a sentence that names the setting: with none every request would fail."""
    with pytest.raises(TypeError, match=rf"{name}.* whole number of at least {least}, not '?{value}"):
        stack(**{name: value})


def test_what_requests_write_expires_after_them() -> None:
    """Every output, also of an attempt that did not count, is deleted; no link to it is left by then."""
    (rule,) = stack("acme").lifecycle_rules
    user = Identity("t", "u", frozenset(), 0.0)
    key = output_key(user, "results", request_id="r", run_id="1", extension="json")
    assert (rule.bucket, key.startswith(rule.prefix)) == ("acme-files", True)
    assert not any(source.startswith(rule.prefix) for source in source_keys(user, "s"))
    assert rule.expiration_days * 86_400 > REQUEST_TTL_S


def test_an_overridden_name_is_used_everywhere() -> None:
    """A setting that names something names what is made, too."""
    declared = stack(requests_table="r", bucket="b", executor_function="e")
    assert "r" in {table.name for table in declared.tables}
    assert declared.stream_mappings[0].table == "r"
    assert declared.buckets == ("b",)
    assert "e" in {function.name for function in declared.functions}


def test_an_unknown_setting_is_refused() -> None:
    """A typing mistake is no silent default; the settings that there are are named."""
    with pytest.raises(TypeError, match=r"no setting max_attemps; there are .*max_attempts"):
        stack(max_attemps=3)


def test_functions_have_handlers_and_limits() -> None:
    """Handler, timeout and memory of each function, as designed."""
    shown = {
        function.name: (function.handler, function.timeout_s, function.memory_mb)
        for function in stack().functions
    }
    assert shown == {
        "streamer-connect": ("streamer.lambdas.connect.handler", 10, 256),
        "streamer-disconnect": ("streamer.lambdas.disconnect.handler", 10, 256),
        "streamer-router": ("streamer.lambdas.router.handler", 29, 256),
        "streamer-processor": ("streamer.lambdas.processor.handler", 60, 256),
        "streamer-executor": ("streamer.lambdas.executor.handler", 900, 1024),
        "streamer-sweeper": ("streamer.lambdas.sweeper.handler", 60, 256),
    }


def test_everything_that_is_named_is_declared() -> None:
    """Routes, mappings, schedules and destinations name functions, tables and queues of the stack."""
    declared = stack()
    functions = {function.name for function in declared.functions}
    used = {route.function for route in declared.api.routes}
    used |= {mapping.function for mapping in declared.stream_mappings}
    used |= {schedule.function for schedule in declared.schedules}
    used |= {f.asynchronous.on_failure for f in declared.functions if f.asynchronous is not None}
    assert used <= functions
    streams = {table.name for table in declared.tables if table.stream is not None}
    assert {mapping.table for mapping in declared.stream_mappings} <= streams
    assert {mapping.on_failure_queue for mapping in declared.stream_mappings} <= set(declared.queues)


def test_the_stream_filter_lets_waiting_requests_through() -> None:
    """The processor is woken by STATE items that are PENDING, and by retries that are handed over."""
    waiting, handed_over = json.loads(json.dumps(stack().stream_mappings[0].filters))
    assert waiting == {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {"sk": {"S": ["STATE"]}, "status": {"S": ["PENDING"]}}},
    }
    assert handed_over == {
        "eventName": ["MODIFY"],
        "dynamodb": {
            "NewImage": {
                "sk": {"S": ["STATE"]},
                "status": {"S": ["RETRYING"]},
                "handed_over": {"BOOL": [True]},
            }
        },
    }


def test_the_router_answers_by_route_response() -> None:
    """Only `$default` sends its function's body back."""
    api = stack(stage="live").api
    assert [(route.key, route.route_response) for route in api.routes] == [
        ("$connect", False),
        ("$disconnect", False),
        ("$default", True),
    ]
    assert (api.stage, api.route_selection_expression) == ("live", "$request.body.action")


def test_a_failed_executor_is_not_retried_by_lambda() -> None:
    """The store counts attempts; the sweeper hears of a failure at once."""
    (executor,) = (function for function in stack().functions if function.asynchronous is not None)
    assert executor.name == "streamer-executor"
    assert executor.asynchronous is not None
    assert executor.asynchronous.maximum_retry_attempts == 0
    assert executor.asynchronous.on_failure == "streamer-sweeper"
