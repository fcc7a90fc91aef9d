"""DynamORM: typed DynamoDB models. Stands alone; knows botocore only in `aws`.

```python
ORDERS = Table("orders", KeyAttribute("pk"), KeyAttribute("sk"), ttl_attribute="expires_at")


class Order(Model, table=ORDERS, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    customer: Attribute[str]
    number: Attribute[str]
    total: Attribute[int]

    @key
    def at(self, customer: str, number: str) -> None: ...


database = Database(DynamoDB(boto3.client("dynamodb"), {"orders": "production-orders"}))
database.write(Put(Order(customer="ann", number="7", total=3), Order.total.does_not_exist()))
order = database.update(Order.at(customer="ann", number="7"), Order.total.increment(1))
```
"""

from streamer.dynamorm.attributes import Attribute
from streamer.dynamorm.batches import BatchGet, BatchWrite
from streamer.dynamorm.codec import AttributeValue, Item
from streamer.dynamorm.converters import EPOCH_SECONDS, Converter
from streamer.dynamorm.database import Database
from streamer.dynamorm.declarations import attribute, created_stamp, updated_stamp, version_number
from streamer.dynamorm.engine import Engine, Page
from streamer.dynamorm.errors import (
    AccessDenied,
    AlreadyExists,
    BatchReadUnfinished,
    BatchWriteUnfinished,
    ConditionFailed,
    DecodingFailed,
    DynamormError,
    EncodingFailed,
    InvalidCursor,
    InvalidModel,
    InvalidRequest,
    ItemNotFound,
    LossRefused,
    NotLoaded,
    OperationUnknown,
    Reason,
    StaleVersion,
    TableBusy,
    TableCannotChange,
    TableNotFound,
    TemporaryFailure,
    Throttled,
    TooLarge,
    TransactionCancelled,
    TransactionConflict,
    Unavailable,
)
from streamer.dynamorm.expressions import Condition
from streamer.dynamorm.item_keys import key, partition_key
from streamer.dynamorm.kinds import Kinds
from streamer.dynamorm.models import Key, Model
from streamer.dynamorm.queries import Query, Scan
from streamer.dynamorm.reading import ModelPage, is_expired
from streamer.dynamorm.requests import Check, Create, Delete, Get, Put, Returns, Update
from streamer.dynamorm.retries import Backoff, Retry
from streamer.dynamorm.schema import (
    Index,
    KeyAttribute,
    KeyType,
    Projection,
    StreamView,
    Table,
    Throughput,
)
from streamer.dynamorm.transactions import Transaction, TransactionGet
from streamer.dynamorm.updates import UpdateAction

__all__ = [
    "EPOCH_SECONDS",
    "AccessDenied",
    "AlreadyExists",
    "Attribute",
    "AttributeValue",
    "Backoff",
    "BatchGet",
    "BatchReadUnfinished",
    "BatchWrite",
    "BatchWriteUnfinished",
    "Check",
    "Condition",
    "ConditionFailed",
    "Converter",
    "Create",
    "Database",
    "DecodingFailed",
    "Delete",
    "DynamormError",
    "EncodingFailed",
    "Engine",
    "Get",
    "Index",
    "InvalidCursor",
    "InvalidModel",
    "InvalidRequest",
    "Item",
    "ItemNotFound",
    "Key",
    "KeyAttribute",
    "KeyType",
    "Kinds",
    "LossRefused",
    "Model",
    "ModelPage",
    "NotLoaded",
    "OperationUnknown",
    "Page",
    "Projection",
    "Put",
    "Query",
    "Reason",
    "Retry",
    "Returns",
    "Scan",
    "StaleVersion",
    "StreamView",
    "Table",
    "TableBusy",
    "TableCannotChange",
    "TableNotFound",
    "TemporaryFailure",
    "Throttled",
    "Throughput",
    "TooLarge",
    "Transaction",
    "TransactionCancelled",
    "TransactionConflict",
    "TransactionGet",
    "Unavailable",
    "Update",
    "UpdateAction",
    "attribute",
    "created_stamp",
    "is_expired",
    "key",
    "partition_key",
    "updated_stamp",
    "version_number",
]
