"""Tokens for a deployment that keeps its own key for development, in its Secrets Manager."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from streamer.auth.development import issue_token
from streamer.deployment import Deployment
from streamer.deployment_clients import deployment_client
from streamer.errors import InvalidDeployment


def issue_development_token(
    deployment: Deployment,
    *,
    user_id: str,
    tenant_id: str,
    permissions: Sequence[str] = (),
    expires_in_s: float = 3600.0,
    now: float,
) -> str:
    """Sign a token that the deployment accepts.

    Args:
        now: epoch seconds.

    Raises:
        InvalidDeployment: it has no such key, or its back end does not give it.
    """
    key = fetch_development_key(deployment)
    try:
        return issue_token(
            key,
            user_id=user_id,
            tenant_id=tenant_id,
            permissions=permissions,
            expires_in_s=expires_in_s,
            now=now,
            audience=deployment.jwt_audience,
            issuer=deployment.jwt_issuer,
        )
    except Exception:  # noqa: BLE001  # of cryptography and PyJWT; their text may quote the key
        raise _unusable(deployment) from None


def fetch_development_key(deployment: Deployment) -> Mapping[str, Any]:
    """Return the private JSON Web Key that the deployment signs development tokens with.

    Raises:
        InvalidDeployment: it has no such key, or its back end does not give it.
    """
    secret = deployment.development_key_secret
    if secret is None:
        raise InvalidDeployment(
            f"The deployment {deployment.name} has no development key: pass a token of its issuer with"
            " --token."
        )
    try:
        text = deployment_client(deployment, "secretsmanager").get_secret_value(SecretId=secret)[
            "SecretString"
        ]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise InvalidDeployment(
            f"The development key {secret} cannot be read ({code}): start the application again, or pass a"
            " token with --token."
        ) from error
    except BotoCoreError as error:
        raise InvalidDeployment(
            f"The back end at {deployment.aws_endpoint_url or 'AWS'} does not answer"
            f" ({type(error).__name__}): start the application again, or name another with --deployment FILE."
        ) from error
    try:
        key = json.loads(text)
    except ValueError:
        raise _unusable(deployment) from None
    if not isinstance(key, dict):
        raise _unusable(deployment)
    return key


def _unusable(deployment: Deployment) -> InvalidDeployment:
    return InvalidDeployment(
        f"The secret {deployment.development_key_secret} holds no private JSON Web Key: start the application"
        " again."
    )
