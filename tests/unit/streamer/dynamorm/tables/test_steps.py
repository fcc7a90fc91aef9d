"""The calls that steps are made of."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from streamer.dynamorm import Index, KeyAttribute, KeyType, Projection, StreamView, Table, Throughput
from streamer.dynamorm.tables import Step, TableDescription, compare

OPERATIONS = {
    "create_table": "CreateTable",
    "update_table": "UpdateTable",
    "update_time_to_live": "UpdateTimeToLive",
    "update_continuous_backups": "UpdateContinuousBackups",
}

SMALL = Table("things", KeyAttribute("pk"))

LARGE = Table(
    "things",
    KeyAttribute("pk"),
    indexes=(
        Index("all", KeyAttribute("owner"), KeyAttribute("day", KeyType.NUMBER), throughput=Throughput(3, 3)),
        Index("keys", KeyAttribute("day", KeyType.NUMBER), projection=Projection.KEYS_ONLY),
        Index("some", KeyAttribute("hash", KeyType.BINARY), projection=("total", "note")),
    ),
    ttl_attribute="expires_at",
    stream=StreamView.NEW_AND_OLD_IMAGES,
    throughput=Throughput(2, 1),
    kms_key="one",
    deletion_protection=True,
    point_in_time_recovery=True,
)


def steps() -> Iterator[Step]:
    """Steps of every kind, both ways."""
    yield from compare(LARGE, None).steps
    yield from compare(replace(LARGE, kms_key="alias/aws/dynamodb"), None).steps
    yield from compare(LARGE, TableDescription(SMALL)).steps
    yield from compare(SMALL, TableDescription(LARGE, ttl_status="ENABLED")).steps
    faster = replace(LARGE, throughput=Throughput(4, 4))
    yield from compare(faster, TableDescription(LARGE, ttl_status="ENABLED")).steps


@pytest.fixture(scope="module")
def dynamodb() -> ServiceModel:
    """AWS's own description of the service, as botocore ships it."""
    return ServiceModel(Loader().load_service_model("dynamodb", "service-2"), "dynamodb")


@pytest.mark.parametrize("step", [*steps()], ids=lambda step: type(step).__name__)
def test_every_call_has_the_form_that_aws_describes(step: Step, dynamodb: ServiceModel) -> None:
    """No member is misspelt, missing or of another type."""
    shape = dynamodb.operation_model(OPERATIONS[step.operation]).input_shape
    report = ParamValidator().validate({**step.arguments(), "TableName": "things"}, shape)
    assert not report.has_errors(), report.generate_report()


def test_the_key_that_aws_manages_is_not_named() -> None:
    """DynamoDB takes its own key only by the absence of another."""
    create = compare(replace(SMALL, kms_key="alias/aws/dynamodb"), None).steps[0]
    assert create.arguments()["SSESpecification"] == {"Enabled": True, "SSEType": "KMS"}
