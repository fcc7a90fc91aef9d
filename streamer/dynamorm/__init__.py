"""DynamORM: typed DynamoDB models. Stands alone; knows botocore only in `engines.aws`.

```python
ORDERS = Table("orders", KeyAttribute("pk"), KeyAttribute("sk"), ttl_attribute="expires_at")


class Order(Model, table=ORDERS, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    customer: Attribute[str]
    number: Attribute[str]
    total: Attribute[int]

    @key
    def at(self, customer: str, number: str) -> None: ...


database = Database(DynamoDB.open({"orders": "production-orders"}))
database.write(Put(Order(customer="ann", number="7", total=3), Order.total.does_not_exist()))
order = database.update(Order.at(customer="ann", number="7"), Order.total.increment(1))
```
"""

from streamer.dynamorm.attributes.attribute import Attribute
from streamer.dynamorm.attributes.declarations import attribute, created_stamp, updated_stamp, version_number
from streamer.dynamorm.database import Database
from streamer.dynamorm.engines.engine import Engine, Page
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
from streamer.dynamorm.expressions.conditions import Condition
from streamer.dynamorm.expressions.updates import UpdateAction
from streamer.dynamorm.keys.item_keys import key, partition_key
from streamer.dynamorm.models.kinds import Kinds
from streamer.dynamorm.models.model import Key, Model
from streamer.dynamorm.operations.reading import ModelPage, is_expired
from streamer.dynamorm.operations.retries import Backoff, Retry
from streamer.dynamorm.requests.batches import BatchGet, BatchWrite
from streamer.dynamorm.requests.items import Check, Create, Delete, Get, Put, Returns, Update
from streamer.dynamorm.requests.queries import Query, Scan
from streamer.dynamorm.requests.transactions import Transaction, TransactionGet
from streamer.dynamorm.schema import (
    Index,
    KeyAttribute,
    KeyType,
    Projection,
    StreamView,
    Table,
    Throughput,
)
from streamer.dynamorm.values.codec import AttributeValue, Item
from streamer.dynamorm.values.converters import EPOCH_SECONDS, Converter

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
