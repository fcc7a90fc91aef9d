"""A link is stored unsigned and sent signed; nothing that a client sends becomes one."""

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.actions.links import Link, presigner, resolve_links, sealed, stored_form

LINK = Link(bucket="b", key="tenants/t/users/u/reports/r.csv", filename="report.csv")
STORED = {"$link": {"bucket": "b", "key": "tenants/t/users/u/reports/r.csv", "filename": "report.csv"}}

KEYS = st.sampled_from(
    ["$link", "$$link", "$$$link", "$result", "$$result", "link", "$", "bucket"]
) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=3),
    max_leaves=12,
)


def sign(link: Link) -> str:
    return f"signed:{link.key}"


def refuse(link: Link) -> str:
    raise AssertionError(f"{link} was to be signed")


class Invoice(msgspec.Struct):
    file: Link
    day: date


@dataclasses.dataclass
class Bundle:
    files: tuple[Link, ...]


def test_a_link_is_stored_without_a_signature() -> None:
    """Wherever it is in the result, a link is stored as bucket, key and filename."""
    result = {"a": LINK, "b": [Invoice(LINK, date(2024, 1, 2)), Bundle((LINK,))]}
    assert stored_form(sealed(result)) == {
        "a": STORED,
        "b": [{"file": STORED, "day": "2024-01-02"}, {"files": [STORED]}],
    }


@pytest.mark.parametrize("stored", [True, False], ids=["from the table", "at once"])
def test_a_client_gets_a_url_in_place_of_a_link(stored: bool) -> None:
    """The same holds for a result that was stored and for one that is answered at once."""
    result = sealed({"report": LINK, "rows": 3})
    sent = resolve_links(stored_form(result) if stored else result, sign)
    assert sent == {"report": "signed:tenants/t/users/u/reports/r.csv", "rows": 3}


@given(JSON)
def test_what_a_client_sent_is_never_signed_and_comes_back_unchanged(value: Any) -> None:
    """An action that returns its payload gives nobody a URL, and the payload as it was."""
    plain = sealed({"echo": value})
    assert resolve_links(plain, refuse) == {"echo": value}
    stored = msgspec.json.decode(msgspec.json.encode(stored_form(plain)))
    assert resolve_links(stored, refuse) == {"echo": value}


def test_a_forged_link_is_data() -> None:
    """The exact form of a stored link, in a payload, stays what it is."""
    assert resolve_links(stored_form(sealed([STORED])), refuse) == [STORED]


def test_storing_twice_changes_nothing() -> None:
    """`stored_form` is idempotent."""
    once = stored_form(sealed({"a": LINK, "$link": 1}))
    assert stored_form(once) == once


def test_values_that_json_lacks_become_text() -> None:
    """Money keeps its digits; keys become text."""
    assert sealed({1: Decimal("1.50")}) == {"1": "1.50"}


def test_what_has_no_json_form_is_refused() -> None:
    """An object of no known kind is an error of the action."""
    with pytest.raises(TypeError):
        sealed({"a": object()})


def test_the_filename_is_the_keys_end_by_default() -> None:
    """A download has a sensible name without anyone naming it."""
    assert Link(bucket="b", key="a/b/c.csv").filename == "c.csv"


def test_a_signed_url_names_the_file_and_cannot_break_its_header() -> None:
    """The download's name goes into a header: quotes, line ends and non-ASCII do not."""
    calls: list[Any] = []

    class Client:
        def generate_presigned_url(self, operation: str, **options: Any) -> str:
            calls.append((operation, options))
            return "url"

    assert presigner(Client(), expires_in_s=60)(Link(bucket="b", key="k", filename='a"\r\nä.csv')) == "url"
    assert calls == [
        (
            "get_object",
            {
                "Params": {
                    "Bucket": "b",
                    "Key": "k",
                    "ResponseContentDisposition": 'attachment; filename="a____.csv"',
                },
                "ExpiresIn": 60,
            },
        )
    ]
