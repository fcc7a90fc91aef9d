"""Clients for the sandbox's back end."""

import pytest

from emulator.aws import Clients


def test_the_users_profile_is_of_no_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell in which AWS_PROFILE is set, here to one that does not exist, gets clients all the same."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    client = Clients("http://127.0.0.1:9").new("sqs")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.region_name == "us-east-1"
