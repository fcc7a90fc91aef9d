"""Where objects are in the bucket, and whose. Pure: names in, keys out."""

from urllib.parse import quote

from streamer.identity import Identity

MAX_SOURCE_BYTES = 255
"""Bytes of a source's name. Ours; a whole key has at most 1,024 bytes (Amazon S3 User Guide)."""

SHARED_SOURCES = "shared/sources"
"""Where files are that every user of every tenant may read."""


def component(text: str) -> str:
    """Write a tenant, user or id as one part of a key: no two texts give the same, none leaves its place."""
    encoded = quote(text, safe="")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def user_prefix(identity: Identity) -> str:
    """Return the prefix of everything that is this user's, `tenants/<tenant>/users/<user>`."""
    return f"tenants/{component(identity.tenant_id)}/users/{component(identity.user_id)}"


def report_key(identity: Identity, request_id: str, extension: str) -> str:
    """Return the key of a request's report: the same in every attempt, so that a repeated one replaces it."""
    return f"{user_prefix(identity)}/reports/{component(request_id)}.{extension}"


def data_key(identity: Identity, request_id: str, extension: str) -> str:
    """Return the key of what a request made of a data set: the same in every attempt."""
    return f"{user_prefix(identity)}/data/{component(request_id)}.{extension}"


def result_key(identity: Identity, request_id: str) -> str:
    """Return the key of a request's result, where no message carries it."""
    return f"{user_prefix(identity)}/results/{component(request_id)}.json"


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
