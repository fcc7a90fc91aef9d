"""The tables that models need: compared with those that are there, and changed by a plan that is shown first.

```python
tables = Tables(DynamoDBTables(boto3.client("dynamodb")))
plan = tables.plan(Order, Customer)
print(plan)
tables.apply(plan)
```
"""

from streamer.dynamorm.tables.administration import Administration
from streamer.dynamorm.tables.comparison import compare
from streamer.dynamorm.tables.descriptions import TableDescription
from streamer.dynamorm.tables.keeper import Progress, Tables
from streamer.dynamorm.tables.memory import MemoryTables
from streamer.dynamorm.tables.plans import Plan
from streamer.dynamorm.tables.steps import Step

__all__ = [
    "Administration",
    "MemoryTables",
    "Plan",
    "Progress",
    "Step",
    "TableDescription",
    "Tables",
    "compare",
]
