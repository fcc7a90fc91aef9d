"""AWS clients for whoever looks after a deployment from outside, with the rights of their own credentials."""

from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials

from streamer.clients.python.address import is_loopback_host
from streamer.connections.transport import SignedTransport
from streamer.deployment import Deployment

LOCAL_CREDENTIAL = "test"
"""What every local back end takes, as key and as secret."""


def deployment_client(deployment: Deployment, service: str) -> Any:
    """Return boto3's client of a service; a back end on this machine gets no real credentials or proxy."""
    endpoint = deployment.aws_endpoint_url
    timing = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    if not _is_local(deployment):
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
        aws_access_key_id=LOCAL_CREDENTIAL,
        aws_secret_access_key=LOCAL_CREDENTIAL,
        config=timing.merge(Config(proxies={})),
    )


def deployment_transport(deployment: Deployment) -> SignedTransport:
    """Return the way to the deployment's connections.

    Raises:
        ServiceUnavailable: the caller has no AWS credentials.
    """
    if _is_local(deployment):
        local = Credentials(LOCAL_CREDENTIAL, LOCAL_CREDENTIAL).get_frozen_credentials
        return SignedTransport(local, deployment.region, ca_bundle=deployment.ca_bundle)
    session = botocore.session.Session()
    session.set_config_variable("region", deployment.region)
    if deployment.ca_bundle is not None:
        session.set_config_variable("ca_bundle", deployment.ca_bundle)
    return SignedTransport.from_session(session)


def _is_local(deployment: Deployment) -> bool:
    endpoint = deployment.aws_endpoint_url
    return endpoint is not None and is_loopback_host(urlsplit(endpoint).hostname or "")
