"""The AWS back end as the rest of the emulator sees it: an address and what can be expected there."""

from dataclasses import dataclass

from emulator.account import CREDENTIALS

WAIT_HEADER = "x-emulator-wait-ms"
"""Request header that asks a GetRecords to wait, in milliseconds; our engine echoes it in its answers."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Something that answers to the AWS API.

    Attributes:
        name: `LocalStack`, or `external` where it does not say what it is.
        version: as it says itself, or `unknown`.
        engine: what is behind its DynamoDB: `embedded` for ours, else `unknown`.
        endpoint_url: where every service is served, without a trailing slash.
        waits_for_records: whether GetRecords waits for a first record when `WAIT_HEADER` asks for it, and is
            reached over plain HTTP at the root of the address, as those reads are sent.
        session_token: of the credentials that functions sign with; `""` where the back end refuses one that
            it did not issue.
    """

    name: str
    version: str
    engine: str
    endpoint_url: str
    waits_for_records: bool
    session_token: str = CREDENTIALS["AWS_SESSION_TOKEN"]
