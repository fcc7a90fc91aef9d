"""Where objects are in the bucket, and whose. Pure: names in, keys out."""

from urllib.parse import quote

from streamer.identity import Identity
from streamer.settings import OUTPUTS

MAX_SOURCE_BYTES = 255
"""Bytes of a source's name. Ours; a whole key has at most 1,024 bytes (Amazon S3 User Guide)."""

SHARED_SOURCES = "shared/sources"
"""Where files are that every user of every tenant may read."""


def component(text: str) -> str:
    """Write a tenant, user or id as one part of a key: no two texts give the same, none leaves its place."""
    encoded = quote(text, safe="")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def user_prefix(identity: Identity) -> str:
    """Return the prefix of all that is written for a user, `outputs/tenants/<tenant>/users/<user>`."""
    return f"{OUTPUTS}/tenants/{component(identity.tenant_id)}/users/{component(identity.user_id)}"


def output_key(identity: Identity, kind: str, *, request_id: str, run_id: str, extension: str) -> str:
    """Return the key of what one run of a request writes; no other run writes there, however late it is.

    Args:
        kind: `results`, `reports` or `data`.
    """
    return f"{user_prefix(identity)}/{kind}/{component(request_id)}/{component(run_id)}.{extension}"


def source_keys(identity: Identity, name: str) -> tuple[str, str]:
    """Return the keys at which a source is looked for, in order: the tenant's own, then the shared one."""
    return f"tenants/{component(identity.tenant_id)}/sources/{name}", f"{SHARED_SOURCES}/{name}"


def check_source_name(name: str) -> None:
    """Refuse what is not a plain file name.

    Raises:
        ValueError: with one sentence.
    """
    plain = name.isprintable() and not set(name) & set("/\\") and name != "." and ".." not in name
    if not plain or not 0 < len(name.encode()) <= MAX_SOURCE_BYTES:
        raise ValueError("source is a plain file name, without slashes and `..`")
