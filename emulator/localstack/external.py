"""What a back end is that somebody else has started: found out by asking it."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emulator.account import CREDENTIALS
from emulator.aws import Clients
from emulator.errors import BackendFailed
from emulator.localstack.backend import WAIT_HEADER, Backend

_CONNECT_S = 5.0

_ANSWER_S = 60.0
"""Seconds for which a back end that has taken the connection is waited for: some load a service when it is
asked first, which takes seconds on a busy machine."""


def external_backend(endpoint_url: str) -> Backend:
    """Return the description of a back end that is already running. Blocks until that has answered.

    Raises:
        BackendFailed: nothing answers to the AWS API there.
    """
    endpoint_url = endpoint_url.rstrip("/")
    waits = _answers_to_the_wait_header(endpoint_url)
    version = _localstack_version(endpoint_url)
    return Backend(
        name="LocalStack" if version else "external",
        version=version or "unknown",
        engine="embedded" if waits else "unknown",
        endpoint_url=endpoint_url,
        waits_for_records=waits and _is_plain(endpoint_url),
        session_token="" if _refuses_invented_tokens(endpoint_url) else CREDENTIALS["AWS_SESSION_TOKEN"],
    )


def _answers_to_the_wait_header(endpoint_url: str) -> bool:
    config = Config(connect_timeout=_CONNECT_S, read_timeout=_ANSWER_S, retries={"total_max_attempts": 1})
    try:
        client = Clients(endpoint_url).new("dynamodbstreams", config=config)
        client.meta.events.register("before-call", _ask_to_wait)
        answer = client.list_streams(Limit=1)
    except ClientError as error:
        answer = error.response  # it refuses, but it is there and speaks the API
    except (BotoCoreError, ValueError) as error:
        raise BackendFailed(
            f"Nothing answers to the AWS API at {endpoint_url} ({error}); start the back end there, or leave"
            " the address out to run the emulator's own."
        ) from error
    return WAIT_HEADER in answer["ResponseMetadata"].get("HTTPHeaders", {})


def _is_plain(endpoint_url: str) -> bool:
    """Tell whether reads that wait, which have connections of their own, can be sent there."""
    place = urlsplit(endpoint_url)
    return place.scheme == "http" and not place.path


def _refuses_invented_tokens(endpoint_url: str) -> bool:
    """Ask with a signed address, whose token some back ends look up even where they let every other in."""
    client = Clients(endpoint_url).new("s3", config=Config(signature_version="s3v4"))
    try:
        _open(client.generate_presigned_url("list_buckets")).close()
    except urllib.error.HTTPError as error:
        with error:
            return b"<Code>InvalidToken</Code>" in error.read()
    except OSError:
        return False
    return False


def _ask_to_wait(params: dict[str, Any], **_: object) -> None:
    params["headers"][WAIT_HEADER] = "1"


def _localstack_version(endpoint_url: str) -> str | None:
    try:
        with _open(f"{endpoint_url}/_localstack/health") as answer:
            version = json.load(answer)["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(version)


def _open(url: str) -> Any:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=_ANSWER_S)
