"""AWS Signature Version 4 of one request to the management API.

Written for the one shape of request that is sent here, because a signature is made for every message: a
fraction of the processor time of botocore's general one, to which it is equal byte by byte
(`tests/contract/connections/test_signature.py`).
"""

import hmac
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials
from botocore.utils import normalize_url_path

from streamer.connections.origin import origin_of, path_begin

SERVICE = "execute-api"
"""The name that requests are signed for. API Gateway Developer Guide, "Use @connections commands"."""

MAX_KNOWN_CONNECTIONS = 1_024
"""Connections whose addresses are kept as they are sent and signed; most get several messages. Ours."""

ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    method: str, url: str, data: bytes, *, credentials: ReadOnlyCredentials, region: str, now: datetime
) -> dict[str, str]:
    """Return the headers that prove who sends a request.

    Args:
        url: percent-encoded, without a query.
        now: UTC; AWS compares it with its own time.

    Source:
        IAM User Guide, "Create a signed AWS API request".
    """
    begin = path_begin(url)
    moment = now.isoformat(timespec="seconds")[:19].replace("-", "").replace(":", "") + "Z"
    signed = {"host": origin_of(url[:begin]).authority, "x-amz-date": moment}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(signed)
    canonical = "\n".join(
        (
            method,
            _canonical_path(url[begin:]),
            "",
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            names,
            sha256(data).hexdigest(),
        )
    )
    scope = f"{moment[:8]}/{region}/{SERVICE}/aws4_request"
    to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, moment[:8], region)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return {
        "X-Amz-Date": moment,
        **({"X-Amz-Security-Token": credentials.token} if credentials.token else {}),
        "Authorization": f"{ALGORITHM} Credential={credentials.access_key}/{scope},"
        f" SignedHeaders={names}, Signature={signature}",
    }


@lru_cache(maxsize=MAX_KNOWN_CONNECTIONS)
def _canonical_path(path: str) -> str:
    return quote(normalize_url_path(path), safe="/~")  # encoded twice, as all but S3 have it


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
