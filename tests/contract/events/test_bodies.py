"""Requests about event source mappings that no SDK would send: none of them is our fault."""

import asyncio
import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2015-05-11T21:21:33.291"

REQUEST = {
    "EventSourceArn": ARN,
    "FunctionName": "f",
    "StartingPosition": "LATEST",
    "Enabled": False,
    "BatchSize": 10,
    "MaximumBatchingWindowInSeconds": 0,
    "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}},
    "MaximumRecordAgeInSeconds": 60,
    "MaximumRetryAttempts": 1,
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


async def post(mappings, body):
    """Send a body to CreateEventSourceMapping; returns the status and the error's name."""
    place = urlsplit(mappings.client.meta.endpoint_url)

    def send():
        connection = HTTPConnection(place.hostname, place.port, timeout=20)
        try:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request("POST", "/2015-03-31/event-source-mappings", data)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("x-amzn-ErrorType")
        finally:
            connection.close()

    return await asyncio.to_thread(send)


@pytest.mark.parametrize(
    "change",
    [
        {"FilterCriteria": 5},
        {"FilterCriteria": {"Filters": 5}},
        {"FilterCriteria": {"Filters": [5]}},
        {"FilterCriteria": {"Filters": [{"Pattern": 5}]}},
        {"FunctionResponseTypes": 5},
        {"FunctionResponseTypes": [5]},
        {"DestinationConfig": 5},
        {"DestinationConfig": {"OnFailure": 5}},
        {"DestinationConfig": {"OnFailure": {"Destination": 5}}},
        {"EventSourceArn": 5},
        {"FunctionName": 5},
        {"StartingPosition": 5},
        {"TumblingWindowInSeconds": "x"},
        {"EventSourceArn": ARN.replace("/t/", "/\ud83d/")},
        {"FunctionName": "\ud83d"},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
async def test_wrong_types_are_refused(mappings, change):
    """JSON that is not of the operation's types cannot be read."""
    status, error = await post(mappings, {**REQUEST, **change})
    assert (status, error) == (400, "SerializationException")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b'{"FunctionName": "\xff"}', b"[" * 100_000])
async def test_what_is_no_object_is_refused(mappings, body):
    """Neither broken JSON nor JSON of another kind is a request."""
    assert await post(mappings, body) == (400, "SerializationException")


@pytest.mark.parametrize("config", [5, {"MaximumConcurrency": "x"}, {"MaximumConcurrency": 1}])
async def test_scaling_of_a_queue_is_a_number_in_its_range(mappings, config):
    """`MaximumConcurrency` is from 2 to 1,000; another type cannot be read."""
    queue = {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q", "FunctionName": "f"}
    status, error = await post(mappings, {**queue, "ScalingConfig": config})
    assert status == 400
    assert error in ("SerializationException", "ValidationException")


def places(value, path=()):
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inside for place in places(one, (*path, key)))]


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_body_makes_it_fail(mappings, data):
    """A request in which any one value is replaced by any other is refused, or finds no such stream."""
    body = json.loads(json.dumps(REQUEST))
    path = data.draw(st.sampled_from(places(body)))
    other = data.draw(JSON)
    if path:
        at = body
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = other
    else:
        body = other
    status, error = await post(mappings, body)
    assert status == 400, (body, error)
