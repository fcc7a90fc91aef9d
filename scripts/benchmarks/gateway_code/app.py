"""The functions of the gateway's benchmark."""

import time
from functools import cache
from typing import Any

import boto3


@cache
def management() -> Any:
    """Return the client, one for the environment."""
    return boto3.client("apigatewaymanagementapi")


def connect(event: Any, context: Any) -> Any:
    """Let everyone in."""
    return {"statusCode": 200}


def reply(event: Any, context: Any) -> Any:
    """Send the message back as the route's response."""
    return {"statusCode": 200, "body": event["body"]}


def post(event: Any, context: Any) -> Any:
    """Send the message back through `@connections`."""
    management().post_to_connection(
        ConnectionId=event["requestContext"]["connectionId"], Data=event["body"].encode()
    )
    return {"statusCode": 200}


def slow(event: Any, context: Any) -> Any:
    """Take a second."""
    time.sleep(1)
    return {"statusCode": 200, "body": event["body"]}
