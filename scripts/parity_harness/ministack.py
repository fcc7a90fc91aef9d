"""MiniStack as a target: in an environment of its own, the application put there by boto3."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NoReturn

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from emulator import resources, virtual_environment
from emulator.account import CREDENTIALS, ISOLATION
from emulator.application import (
    Application,
    Destination,
    Function,
    LogFormat,
    QueueMapping,
    StreamMapping,
    WebSocketApi,
)
from emulator.aws import Clients
from emulator.localstack.environment import home
from scripts.parity_harness.application import application
from scripts.parity_harness.recorder import Recorder
from scripts.parity_harness.target import code_folder

LOCK = Path(__file__).with_name("ministack.lock")
READY_S = 30.0
ROLE = "arn:aws:iam::000000000000:role/parity"


def _cannot(what: str) -> NoReturn:
    pytest.skip(f"MiniStack has no {what}; the row says nothing about it.")


class MiniStack:
    """A running MiniStack with the suite's application, as far as it took it.

    Attributes:
        refused: what could not be put there, with the error.
    """

    name = "ministack"

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients = Clients(url)
        self._apis: dict[str, tuple[str, str]] = {}
        self.refused: list[str] = []

    # What tests use

    def websocket_url(self, api: str, stage: str | None = None) -> str:
        """See `Target`."""
        return self._stage(api, stage).replace("http:", "ws:")

    def management_url(self, api: str, stage: str | None = None) -> str:
        """See `Target`."""
        return self._stage(api, stage)

    def boto3(self, service: str, **options: Any) -> Any:
        """See `Target`."""
        return self._clients.new(service, **options) if options else self._clients(service)

    async def advance(self, seconds: float) -> None:
        """See `Target`."""
        _cannot("clock that can be advanced")

    async def log(self, function: str, request_id: str) -> str:
        """See `Target`."""
        _cannot("log of a single invocation")

    def _stage(self, api: str, stage: str | None) -> str:
        if api not in self._apis:
            raise AssertionError(f"MiniStack did not take the API {api!r}: {self.refused}")
        api_id, first = self._apis[api]
        return f"{self._url}/_aws/execute-api/{api_id}/{stage or first}"

    # Putting the application there

    def deploy(self, declared: Application) -> None:
        """Create everything that it takes; what it refuses is noted."""
        resources.create(declared, self._clients)
        code = _zip(declared.functions[0].code)
        for function in declared.functions:
            self._try(f"function {function.name}", partial(self._function, function, code))
        for stream in declared.stream_mappings:
            self._try(f"mapping {stream.function}", partial(self._stream, stream))
        for queue in declared.queue_mappings:
            self._try(f"mapping {queue.function}", partial(self._queue, queue))
        for api in declared.apis:
            self._try(f"API {api.name}", partial(self._api, api))

    def _try(self, what: str, create: Callable[[], None]) -> None:
        try:
            create()
        except (ClientError, BotoCoreError) as error:
            self.refused.append(f"{what}: {error}")

    def _function(self, function: Function, code: bytes) -> None:
        lambda_ = self._clients("lambda")
        logging: dict[str, Any] = {}
        if function.logging.format is LogFormat.JSON:
            logging = {
                "LoggingConfig": {
                    "LogFormat": "JSON",
                    "ApplicationLogLevel": function.logging.application_level,
                    "SystemLogLevel": function.logging.system_level,
                }
            }
        if function.dead_letter is not None:
            logging["DeadLetterConfig"] = {"TargetArn": function.dead_letter.arn}
        lambda_.create_function(
            FunctionName=function.name,
            Runtime="python3.11",
            Role=ROLE,
            Handler=function.handler,
            Code={"ZipFile": code},
            Timeout=int(function.timeout_s),
            MemorySize=function.memory_mb,
            Environment={"Variables": dict(function.environment)},
            **logging,
        )
        if function.reserved_concurrency is not None:
            lambda_.put_function_concurrency(
                FunctionName=function.name, ReservedConcurrentExecutions=function.reserved_concurrency
            )
        asynchronous = function.asynchronous
        lambda_.put_function_event_invoke_config(
            FunctionName=function.name,
            MaximumRetryAttempts=asynchronous.maximum_retry_attempts,
            MaximumEventAgeInSeconds=asynchronous.maximum_event_age_s,
            DestinationConfig={
                **_destination("OnSuccess", asynchronous.on_success),
                **_destination("OnFailure", asynchronous.on_failure),
            },
        )

    def _stream(self, mapping: StreamMapping) -> None:
        table = self._clients("dynamodb").describe_table(TableName=mapping.table)["Table"]
        self._clients("lambda").create_event_source_mapping(
            EventSourceArn=table["LatestStreamArn"],
            FunctionName=mapping.function,
            Enabled=mapping.enabled,
            BatchSize=mapping.batch_size,
            MaximumBatchingWindowInSeconds=int(mapping.maximum_batching_window_s),
            ParallelizationFactor=mapping.parallelization_factor,
            StartingPosition=str(mapping.starting_position),
            MaximumRetryAttempts=mapping.maximum_retry_attempts,
            MaximumRecordAgeInSeconds=mapping.maximum_record_age_s,
            BisectBatchOnFunctionError=mapping.bisect_batch_on_function_error,
            DestinationConfig=_destination("OnFailure", mapping.on_failure),
            **_shared(mapping),
        )

    def _queue(self, mapping: QueueMapping) -> None:
        self._clients("lambda").create_event_source_mapping(
            EventSourceArn=Destination.queue(mapping.queue).arn,
            FunctionName=mapping.function,
            Enabled=mapping.enabled,
            BatchSize=mapping.batch_size,
            MaximumBatchingWindowInSeconds=int(mapping.maximum_batching_window_s),
            **_shared(mapping),
        )

    def _api(self, api: WebSocketApi) -> None:
        gateway = self._clients("apigatewayv2")
        api_id = gateway.create_api(
            Name=api.name,
            ProtocolType="WEBSOCKET",
            RouteSelectionExpression=api.route_selection_expression,
            ApiKeySelectionExpression=api.api_key_selection_expression,
        )["ApiId"]
        authorizers = {
            authorizer.name: gateway.create_authorizer(
                ApiId=api_id,
                Name=authorizer.name,
                AuthorizerType="REQUEST",
                AuthorizerUri=_invocation_arn(authorizer.function),
                IdentitySource=list(authorizer.identity_sources),
            )["AuthorizerId"]
            for authorizer in api.authorizers
        }
        for name, schema in api.models.items():
            gateway.create_model(
                ApiId=api_id, Name=name, Schema=json.dumps(schema), ContentType="application/json"
            )
        for route in api.routes:
            integration = gateway.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationUri=_invocation_arn(route.function),
                TimeoutInMillis=int(route.timeout_s * 1000),
            )["IntegrationId"]
            options: dict[str, Any] = {}
            if route.authorizer is not None:
                options = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[route.authorizer]}
            if route.route_response:
                options["RouteResponseSelectionExpression"] = "$default"
            if route.model is not None:
                options["ModelSelectionExpression"] = "$default"
                options["RequestModels"] = {"$default": route.model}
            route_id = gateway.create_route(
                ApiId=api_id,
                RouteKey=route.key,
                Target=f"integrations/{integration}",
                ApiKeyRequired=route.api_key_required,
                **options,
            )["RouteId"]
            if route.route_response:
                gateway.create_route_response(ApiId=api_id, RouteId=route_id, RouteResponseKey="$default")
        gateway.create_deployment(ApiId=api_id)
        for stage in api.stages:
            gateway.create_stage(
                ApiId=api_id,
                StageName=stage.name,
                StageVariables=dict(stage.variables),
                AutoDeploy=True,
                RouteSettings={
                    key: {
                        "ThrottlingRateLimit": throttling.rate_limit,
                        "ThrottlingBurstLimit": throttling.burst_limit,
                    }
                    for key, throttling in stage.route_throttling.items()
                },
            )
        self._apis[api.name] = (api_id, api.stage)
        if api.api_keys:
            self._try(f"API keys of {api.name}", partial(self._api_keys, api, api_id))

    def _api_keys(self, api: WebSocketApi, api_id: str) -> None:
        rest = self._clients("apigateway")
        plan = rest.create_usage_plan(
            name=api.name, apiStages=[{"apiId": api_id, "stage": stage.name} for stage in api.stages]
        )
        for value in api.api_keys:
            key = rest.create_api_key(name=f"{api.name}-key", value=value, enabled=True)
            rest.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")


def _destination(condition: str, destination: Destination | None) -> dict[str, Any]:
    return {} if destination is None else {condition: {"Destination": destination.arn}}


def _shared(mapping: StreamMapping | QueueMapping) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if mapping.filters:
        filters = [{"Pattern": json.dumps(pattern)} for pattern in mapping.filters]
        settings["FilterCriteria"] = {"Filters": filters}
    if mapping.report_batch_item_failures:
        settings["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    return settings


def _invocation_arn(function: str) -> str:
    arn = Destination.function(function).arn
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


def _zip(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.rglob("*.py")):
            archive.write(file, file.relative_to(folder))
    return packed.getvalue()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def _running() -> Iterator[str]:
    """Start MiniStack and wait until it answers; gives its URL."""
    python = virtual_environment.make(home() / "ministack", LOCK, report=print)
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="parity-ministack-") as folder:
        environment: Mapping[str, str] = {
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "STATE_DIR": f"{folder}/state",
            "S3_DATA_DIR": f"{folder}/s3",
            "TMPDIR": folder,
            "HOME": folder,
            "LOG_LEVEL": "WARNING",
            **CREDENTIALS,
            **ISOLATION,
        }
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [str(python.with_name("ministack"))],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, Path(folder, "log"))
            yield url
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                print("MiniStack does not end; it is killed.", file=sys.stderr)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    client = Clients(url)("sts")
    end = monotonic() + READY_S
    while True:
        try:
            client.get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            if process.poll() is not None or monotonic() > end:
                raise AssertionError(f"MiniStack does not answer:\n{log.read_text()[-2000:]}") from error
            sleep(0.1)
        else:
            return


@contextmanager
def ministack(recorder: Recorder) -> Iterator[MiniStack]:
    """Run MiniStack with the suite's application."""
    with code_folder() as code, _running() as url:
        target = MiniStack(url)
        target.deploy(application(recorder.address, code))
        for refused in target.refused:
            print("MiniStack refused", refused)
        yield target
