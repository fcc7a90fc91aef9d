"""Tables over boto3's low-level client."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from streamer.dynamorm.engines.aws import call, name_in_account, open_client
from streamer.dynamorm.errors import OperationUnknown, TableNotFound
from streamer.dynamorm.schema import Table
from streamer.dynamorm.tables.descriptions import ACTIVE, UPDATING, TableDescription, read_description
from streamer.dynamorm.tables.steps import Step

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class DynamoDBTables:
    """Tables of an account. Safe to use from several threads, as the client is.

    Where DynamoDB Local answers, encryption and point-in-time recovery count as they are declared.
    """

    def __init__(self, client: "DynamoDBClient", table_names: Mapping[str, str] | None = None) -> None:
        """Take a client.

        Args:
            table_names: what the tables are called in the account, by the names of the declarations; None:
                the same.
        """
        self._client = client
        self._table_names = table_names

    @classmethod
    def open(
        cls, table_names: Mapping[str, str] | None = None, *, endpoint_url: str | None = None
    ) -> "DynamoDBTables":
        """Make the client too, by AWS's standard variables and files.

        Raises:
            AccessDenied, InvalidRequest: as `streamer.dynamorm.engines.aws.open_client`.
        """
        return cls(open_client(endpoint_url=endpoint_url), table_names)

    def find(self, table: Table) -> TableDescription | None:
        name = {"TableName": name_in_account(table, self._table_names)}
        try:
            described = call(self._client.describe_table, name)["Table"]
        except TableNotFound:
            return None
        if described["TableStatus"] not in (ACTIVE, UPDATING):
            return read_description(table.name, described, {}, {})  # there is nothing of these to ask yet
        time_to_live = call(self._client.describe_time_to_live, name)["TimeToLiveDescription"]
        try:
            backups = call(self._client.describe_continuous_backups, name)["ContinuousBackupsDescription"]
        except OperationUnknown:
            return _pretended(read_description(table.name, described, time_to_live, {}), table)
        return read_description(table.name, described, time_to_live, backups)

    def carry_out(self, step: Step) -> None:
        arguments = {**step.arguments(), "TableName": name_in_account(step.table, self._table_names)}
        call(getattr(self._client, step.operation), arguments)

    def delete(self, table: Table) -> None:
        call(self._client.delete_table, {"TableName": name_in_account(table, self._table_names)})


def _pretended(found: TableDescription, declared: Table) -> TableDescription:
    """Take recovery and encryption to be as declared: DynamoDB Local has neither and serves all the same."""
    as_declared = replace(
        found.table, kms_key=declared.kms_key, point_in_time_recovery=declared.point_in_time_recovery
    )
    return replace(found, table=as_declared)
