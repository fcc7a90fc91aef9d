"""Links to objects in a result: stored by bucket and key, signed only when a message is sent.

A stored link is a JSON object with the one key `$link`. A client's own data may have such an object
too, and an action may hand it back (as `echo` does); signing that would open any object of the bucket.
So what an action returns is sealed first: a look-alike gets one more `$` in its key, which is taken
off again when the message is made.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

from streamer.protocol.codec import is_deeper
from streamer.protocol.limits import MAX_DEPTH

MARKER = "$link"
"""The only key of a stored link."""

RESULT_MARKER = "$result"
"""The only key of what is stored in the place of a result that is a file; see `results`."""

LINK_EXPIRES_IN_S = 3600
"""Seconds that a signed link works. Ours; on AWS it also ends with the function's own credentials."""

MAX_RESULT_DEPTH = MAX_DEPTH + 20
"""Objects and arrays in one another, in a result: room for a payload that is handed back. Ours."""

_LOOK_ALIKE = re.compile(r"\$+(link|result)")


class Link:
    """An object that a result points to. A client gets a URL in its place.

    No Struct and no dataclass, because msgspec would write those as plain objects.

    Attributes:
        filename: what the file is called when it is downloaded.

    Shape:
        stored: `{"$link": {"bucket": str, "key": str, "filename": str}}`
    """

    __slots__ = ("bucket", "filename", "key")

    def __init__(self, *, bucket: str, key: str, filename: str = "") -> None:
        self.bucket = bucket
        self.key = key
        self.filename = filename or key.rsplit("/", 1)[-1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Link) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __repr__(self) -> str:
        return f"Link(bucket={self.bucket!r}, key={self.key!r}, filename={self.filename!r})"

    def _facts(self) -> tuple[str, str, str]:
        return self.bucket, self.key, self.filename


Signer = Callable[[Link], str]
"""Makes the URL of a link."""


def sealed(result: Any) -> Any:
    """Return what an action returned as plain JSON values and `Link`s, without look-alikes of a link.

    Structs, dataclasses, dates, decimals (as text) and the like become what JSON has.

    Raises:
        TypeError, ValueError: it holds something that JSON has no form for; NaN, for one. Or it is too deep
            for what comes after.
    """
    plain = msgspec.to_builtins(result, builtin_types=(Link,), str_keys=True)
    if is_deeper(plain, MAX_RESULT_DEPTH):
        raise ValueError(f"more than {MAX_RESULT_DEPTH} objects and arrays in one another")
    return _rewrite(
        plain,
        lambda link: link,
        lambda key: f"${key}" if _LOOK_ALIKE.fullmatch(_checked(key)) else key,
        leaf=_checked,
    )


def _checked(value: Any) -> Any:
    """Return a value that is no container. Raises ValueError where JSON as UTF-8 cannot carry it."""
    if isinstance(value, str):
        if not value.isascii():
            value.encode()  # a lone surrogate has no UTF-8
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number in JSON")
    elif isinstance(value, int):
        str(value)  # Python writes no more digits than `sys.get_int_max_str_digits()`
    return value


def stored_form(result: Any) -> Any:
    """Return a sealed result with each `Link` as the plain object that is stored. Idempotent."""
    return _rewrite(
        result,
        lambda link: {MARKER: {"bucket": link.bucket, "key": link.key, "filename": link.filename}},
        lambda key: key,
    )


def resolve_links(result: Any, sign: Signer) -> Any:
    """Return a sealed or stored result as a client gets it: each link is the URL that `sign` makes."""
    return _rewrite(
        result,
        sign,
        lambda key: key[1:] if key.startswith("$$") and _LOOK_ALIKE.fullmatch(key) else key,
        read=True,
    )


def count_links(stored: Any) -> int:
    """Return how many links a stored result has."""
    found = 0

    def count(link: Link) -> None:
        nonlocal found
        found += 1

    _rewrite(stored, count, _as_it_is, read=True)
    return found


def presigner(client: Any, *, expires_in_s: int = LINK_EXPIRES_IN_S) -> Signer:
    """Return a signer that makes S3 URLs without a call to AWS.

    Args:
        client: boto3's `s3`.
    """

    def sign(link: Link) -> str:
        name = re.sub(r'[^ -~]|["\\]', "_", link.filename)
        url: str = client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": link.bucket,
                "Key": link.key,
                "ResponseContentDisposition": f'attachment; filename="{name}"',
            },
            ExpiresIn=expires_in_s,
        )
        return url

    return sign


def _as_it_is(value: Any) -> Any:
    return value


def _rewrite(
    value: Any,
    change: Callable[[Link], Any],
    rename: Callable[[str], str],
    *,
    leaf: Callable[[Any], Any] = _as_it_is,
    read: bool = False,
) -> Any:
    if isinstance(value, dict):
        if read and (link := _read(value)) is not None:
            return change(link)
        return {
            rename(key): _rewrite(item, change, rename, leaf=leaf, read=read) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_rewrite(item, change, rename, leaf=leaf, read=read) for item in value]
    return change(value) if isinstance(value, Link) else leaf(value)


def _read(value: dict[str, Any]) -> Link | None:
    if len(value) != 1:
        return None
    match value.get(MARKER):
        case {"bucket": str(bucket), "key": str(key), "filename": str(filename)}:
            return Link(bucket=bucket, key=key, filename=filename)
        case _:
            return None
