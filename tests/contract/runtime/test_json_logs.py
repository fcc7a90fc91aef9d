"""Logs in the two formats, as the runtime client and Lambda write them (rows E54 to E56, H8 to H13)."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function, LogFormat, LoggingConfig
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod

Serve = Callable[..., Awaitable[LambdaService]]

LOGGING = """
import logging, os

def handler(event, context):
    print("printed")
    logging.getLogger("mine").warning("warned\\nin two lines")
    print("printed again")
    logging.getLogger().info("informed")
    if event.get("fails"):
        raise ValueError("it failed")
    return {name: os.environ.get(name) for name in (
        "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL", "_LAMBDA_TELEMETRY_LOG_FD")}
"""


@pytest.fixture(params=["fork", "spawn"])
def settings(request: pytest.FixtureRequest) -> RuntimeSettings:
    return RuntimeSettings(start_method=StartMethod(request.param), preload=(), preload_clients=())


@pytest.fixture
def logging_function(code: Path) -> Callable[..., Function]:
    def make(**logging: Any) -> Function:
        (code / "logs.py").write_text(LOGGING)
        return Function("f", "logs.handler", code, timeout_s=20, logging=LoggingConfig(**logging))

    return make


async def test_the_text_format(
    serve: Serve, logging_function: Callable[..., Function], settings: RuntimeSettings
) -> None:
    """Printed lines come unwrapped, logged ones with AWS's prefix, in order; a traceback as on AWS."""
    service = await serve(logging_function(), settings=settings)
    good = await service.invoke("f", b"{}")
    assert json.loads(good.payload) == dict.fromkeys(
        ["AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL", "_LAMBDA_TELEMETRY_LOG_FD"]
    )
    lines = good.log.split("\nSTART")[1].splitlines()
    assert lines[1] == "printed"
    assert lines[2].startswith("[WARNING]\t")
    assert lines[2].endswith(f"Z\t{good.request_id}\twarned")
    assert lines[3:5] == ["in two lines", "printed again"]
    assert lines[5] == f"END RequestId: {good.request_id}"
    bad = await service.invoke("f", b'{"fails": true}')
    assert "[ERROR] ValueError: it failed\nTraceback (most recent call last):\n\u00a0\u00a0File " in bad.log
    assert '    raise ValueError("it failed")\nEND RequestId'.replace(" ", "\u00a0", 4) in bad.log


async def test_the_json_format(
    serve: Serve, logging_function: Callable[..., Function], settings: RuntimeSettings
) -> None:
    """Every line but the printed ones is a record; platform records replace Lambda's own lines."""
    service = await serve(logging_function(format=LogFormat.JSON), settings=settings)
    good = await service.invoke("f", b"{}")
    assert json.loads(good.payload) == {
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "_LAMBDA_TELEMETRY_LOG_FD": None,
    }
    assert "START RequestId" not in good.log
    lines = good.log.splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    assert [line for line in lines if not line.startswith("{")] == ["printed", "printed again"]
    kinds = [record.get("type") or record["level"] for record in records]
    assert kinds == ["platform.initStart", "platform.start", "WARNING", "INFO", "platform.report"]
    warning = records[2]
    assert list(warning) == ["timestamp", "level", "message", "logger", "requestId"]
    assert (warning["message"], warning["requestId"]) == ("warned\nin two lines", good.request_id)
    bad = await service.invoke("f", b'{"fails": true}')
    [error] = [json.loads(line) for line in bad.log.splitlines() if "it failed" in line]
    assert (error["errorType"], error["requestId"]) == ("ValueError", bad.request_id)


async def test_levels_filter(
    serve: Serve, logging_function: Callable[..., Function], settings: RuntimeSettings
) -> None:
    """Below the application's level nothing of the function is kept, below the system's nothing of Lambda."""
    function = logging_function(format=LogFormat.JSON, application_level="WARN", system_level="WARN")
    service = await serve(function, settings=settings)
    result = await service.invoke("f", b"{}")
    [record] = map(json.loads, result.log.splitlines())
    assert record["level"] == "WARNING"
