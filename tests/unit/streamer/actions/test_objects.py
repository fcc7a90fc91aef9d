"""Objects of different users never share a key, and a source's name stays in its folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.actions.objects import (
    check_source_name,
    component,
    output_key,
    source_keys,
    user_prefix,
)
from streamer.identity import Identity

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    [".", "..", "a/b", "a%2Fb", "%2E", "a/users/b", "#"]
)


def identity(tenant: str, user: str) -> Identity:
    return Identity(tenant, user, frozenset(), 0.0)


@given(NAMES, NAMES)
def test_two_names_never_make_the_same_component(one: str, other: str) -> None:
    """Encoding is one to one, and its result is neither a path nor a step up."""
    assert (component(one) == component(other)) is (one == other)
    assert "/" not in component(one)
    assert component(one) not in ("", ".", "..")


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_users_never_share_a_prefix(tenant: str, user: str, other_tenant: str, other_user: str) -> None:
    """No choice of tenant and user begins with another's folder."""
    one = user_prefix(identity(tenant, user)) + "/"
    other = user_prefix(identity(other_tenant, other_user)) + "/"
    assert one.startswith(other) is ((tenant, user) == (other_tenant, other_user))


def test_an_output_is_the_users_and_its_runs() -> None:
    """Two runs of one request never write to the same key, nor do two requests whose ids look like both."""

    def key(request_id: str, run_id: str) -> str:
        user = identity("acme", "a/b")
        return output_key(user, "reports", request_id=request_id, run_id=run_id, extension="csv")

    assert key("r-1", "1") == "outputs/tenants/acme/users/a%2Fb/reports/r-1/1.csv"
    assert len({key("r-1", "1"), key("r-1", "2"), key("r-1/1", "1"), key("r", "1/1")}) == 4


def test_a_tenants_own_source_comes_before_the_shared_one() -> None:
    """A tenant can replace what is shared, for itself."""
    assert source_keys(identity("a.b", "u"), "ledger.csv") == (
        "tenants/a.b/sources/ledger.csv",
        "shared/sources/ledger.csv",
    )


@pytest.mark.parametrize("name", ["ledger.csv", "Kosten 2024.csv", "büro.csv", "a" * 255, ".hidden"])
def test_a_plain_file_name_is_a_source(name: str) -> None:
    """Spaces and letters of any language are fine."""
    check_source_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b.csv", "/etc/passwd", "a\\b", "a..b", "../x", "a\nb", "a\0b", "a" * 256, "ä" * 128],
)
def test_what_is_no_plain_file_name_is_refused(name: str) -> None:
    """A source's name never leaves its folder."""
    with pytest.raises(ValueError, match="plain file name"):
        check_source_name(name)
