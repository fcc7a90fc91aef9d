"""What expressions compute with numbers in wire form."""

import pytest
from streamer_localstack.engine.comparing import add
from streamer_localstack.engine.limits import Invalid

LONG = "1234567890123456789012345678901234567.8"


@pytest.mark.parametrize(
    ("left", "right", "sign", "total"),
    [
        ("0", LONG, 1, LONG),
        ("0", LONG, -1, f"-{LONG}"),
        (LONG, LONG, -1, "0"),
        ("0.1", "1234567890123456789012345678901234567", 1, "1234567890123456789012345678901234567.1"),
    ],
)
def test_sums_are_exact(left: str, right: str, sign: int, total: str) -> None:
    """All 38 digits that DynamoDB keeps, on either side of the operator."""
    assert add({"N": left}, {"N": right}, sign) == {"N": total}


def test_a_sum_of_more_digits_is_no_sum() -> None:
    """DynamoDB refuses it rather than to round."""
    with pytest.raises(Invalid):
        add({"N": LONG}, {"N": "0.01"}, 1)
