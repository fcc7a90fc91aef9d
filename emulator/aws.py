"""boto3 clients for the sandbox's back end, which never reach AWS by accident."""

import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from emulator.account import CREDENTIALS, REGION
from emulator.faults import OWN_REQUESTS


class Clients:
    """Makes boto3 clients for one back end; one session, one client per service.

    Args:
        emulators_own: marks the requests as the emulator's own, with `faults.OWN_REQUESTS`.
        session_token: of the credentials; `""` for a back end that takes none, see `Backend`.
    """

    def __init__(
        self,
        endpoint_url: str,
        *,
        lambda_endpoint_url: str | None = None,
        emulators_own: bool = False,
        session_token: str = CREDENTIALS["AWS_SESSION_TOKEN"],
    ) -> None:
        self._endpoint_url = endpoint_url
        self._user_agent_extra = OWN_REQUESTS if emulators_own else None
        self._lambda_endpoint_url = lambda_endpoint_url
        # A profile that the user's environment names is neither wanted nor known to be there.
        no_profile = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        self._session = boto3.Session(
            botocore_session=no_profile,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=session_token or None,
            region_name=REGION,
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        """Return the client of `service`, `dynamodb` for example. Thread-safe, as a session is not."""
        with self._lock:
            client = self._clients.get(service)
            if client is None:
                client = self._clients[service] = self.new(service)
        return client

    def new(self, service: str, **options: Any) -> Any:
        """Make a client of its own; `options` are boto3's."""
        endpoint_url = self._endpoint_url
        if service == "lambda" and self._lambda_endpoint_url is not None:
            endpoint_url = self._lambda_endpoint_url
        defaults = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 2},
            proxies={},
            s3={"addressing_style": "path"},
            user_agent_extra=self._user_agent_extra,
        )
        config = defaults.merge(options.pop("config")) if "config" in options else defaults
        return self._session.client(service, **{"endpoint_url": endpoint_url, "config": config, **options})
