"""Which requests the front serves by itself."""

import pytest
from streamer_localstack.plain import MAX_BODY_BYTES, PlainCall, read_head

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIA/20240101/eu-west-1/dynamodb/aws4_request, SignedHeaders=h, Signature=0"
)
HEADERS = {
    "Host": "127.0.0.1:4566",
    "X-Amz-Target": "DynamoDB_20120810.GetItem",
    "Content-Type": "application/x-amz-json-1.0",
    "Content-Length": "17",
    "Authorization": SIGNED,
}


def head(first: str = "POST / HTTP/1.1", **changed: str) -> bytes:
    """Return a head with some headers changed, whose names have `_` for `-`; left out where `""`."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [first, *(f"{name}: {value}" for name, value in headers.items() if value)]
    return "\r\n".join(lines).encode()


def test_a_call_of_an_sdk_is_plain() -> None:
    """Everything that the call needs is in its head."""
    assert read_head(head()) == PlainCall(
        "dynamodb", "GetItem", "AKIA", "eu-west-1", "127.0.0.1:4566", 17, ""
    )


def test_a_read_of_a_stream_says_how_long_it_waits() -> None:
    """The header's value comes as it is."""
    asked = {"X_Amz_Target": "DynamoDBStreams_20120810.GetRecords", "x_emulator_wait_ms": "900"}
    call = read_head(head(**asked))
    assert call is not None
    assert (call.service, call.operation, call.wait_ms) == ("dynamodbstreams", "GetRecords", "900")


@pytest.mark.parametrize(
    "changed",
    [
        {"first": "GET / HTTP/1.1"},
        {"first": "POST / HTTP/1.0"},
        {"first": "POST /bucket HTTP/1.1"},
        {"first": "PRI * HTTP/2.0"},
        {"X_Amz_Target": "DynamoDB_20120810.CreateTable"},
        {"X_Amz_Target": "AmazonSQS.SendMessage"},
        {"X_Amz_Target": ""},
        {"Content_Type": "application/x-amz-cbor-1.1"},
        {"Content_Length": ""},
        {"Content_Length": "-1"},
        {"Content_Length": "²"},
        {"Content_Length": str(MAX_BODY_BYTES + 1)},
        {"Transfer_Encoding": "chunked"},
        {"Content_Encoding": "gzip"},
        {"Expect": "100-continue"},
        {"Connection": "close"},
        {"Origin": "http://localhost:3000"},
        {"Sec_Fetch_Site": "cross-site"},
        {"x_localstack_data": "{}"},
        {"Authorization": ""},
        {"Authorization": "AWS test:signature"},
        {"host": "127.0.0.1"},
        {" folded": "line"},
        {"no colon\r\n": "x"},
    ],
    ids=lambda changed: " ".join(f"{name}={value[:24]}".strip() for name, value in changed.items()),
)
def test_what_is_unusual_is_not(changed: dict[str, str]) -> None:
    """LocalStack's own server reads it, which knows all of HTTP and all of AWS."""
    assert read_head(head(**changed)) is None
