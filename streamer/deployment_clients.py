"""AWS clients for whoever looks after a deployment from outside, with the rights of their own credentials."""

from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from streamer.clients.python.address import is_loopback_host
from streamer.deployment import Deployment


def deployment_client(deployment: Deployment, service: str) -> Any:
    """Return boto3's client of a service; a back end on this machine gets no real credentials or proxy."""
    endpoint = deployment.aws_endpoint_url
    timing = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    if endpoint is None or not is_loopback_host(urlsplit(endpoint).hostname or ""):
        return boto3.client(
            service,
            region_name=deployment.region,
            endpoint_url=endpoint,
            config=timing,
        )
    no_profile = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return boto3.Session(botocore_session=no_profile).client(
        service,
        region_name=deployment.region,
        endpoint_url=endpoint,
        verify=deployment.ca_bundle,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  # what every local back end takes
        config=timing.merge(Config(proxies={})),
    )
