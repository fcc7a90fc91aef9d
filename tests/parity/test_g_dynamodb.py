"""Rows G1 to G12: DynamoDB."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.mark.row("G5")
async def test_condition_that_fails(parity: Any) -> None:
    """A condition that fails is a ConditionalCheckFailedException with DynamoDB's sentence."""
    item = {"pk": {"S": uuid.uuid4().hex}, "sk": {"N": "1"}}
    with pytest.raises(ClientError) as failed:
        await parity.call(
            parity.boto3("dynamodb").put_item,
            TableName="things",
            Item=item,
            ConditionExpression="attribute_exists(pk)",
        )
    error = failed.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "ConditionalCheckFailedException",
        "The conditional request failed",
    )
