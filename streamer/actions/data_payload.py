"""What a client wants done with a data set. Cheap to import: the router reads it too."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from streamer.actions.objects import check_source_name
from streamer.actions.payloads import Payload

MAX_OPERATIONS = 20
"""Steps of one request. Ours."""

Format = Literal["csv", "jsonl"]

Scalar = str | int | float | bool | None

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="operation"):
    pass


class Filter(_Step, frozen=True, tag="filter"):
    """Keep the rows for which `field` `is` `value`: compared as numbers with a number, else as text.

    Attributes:
        value: a list with `one_of`; nothing with `present` and `absent` (empty text counts as absent).
    """

    field: Name
    is_: Literal[
        "equal", "not_equal", "less", "at_most", "more", "at_least", "contains", "one_of", "present", "absent"
    ] = msgspec.field(name="is")
    value: Scalar | list[Scalar] = None

    def __post_init__(self) -> None:
        if isinstance(self.value, list) is not (self.is_ == "one_of"):
            raise ValueError("the value of a filter is a list with one_of, and only there")
        if self.is_ in ("less", "at_most", "more", "at_least", "contains") and (
            self.value is None or isinstance(self.value, bool)
        ):
            raise ValueError(f"a filter with {self.is_} needs a value: text or a number")


class Transform(_Step, frozen=True, tag="transform"):
    """Change `field` of every row, or make the field `to` of it.

    Attributes:
        function: `number` and `text` change the kind; arithmetic takes `value`, or the field `other`.
        to: where the result goes; the field itself by default. For `rename`, its new name.
        value: what `set` sets, and the second number of arithmetic.
    """

    field: Name
    function: Literal[
        "number",
        "text",
        "upper",
        "lower",
        "trim",
        "rename",
        "drop",
        "set",
        "add",
        "subtract",
        "multiply",
        "divide",
    ]
    to: Name | None = None
    value: Scalar = None
    other: Name | None = None

    def __post_init__(self) -> None:
        arithmetic = self.function in ("add", "subtract", "multiply", "divide")
        if arithmetic and (self.other is None) is (self.value is None):
            raise ValueError(f"{self.function} needs either value or other")
        if arithmetic and self.value is not None and not isinstance(self.value, int | float):
            raise ValueError(f"the value of {self.function} is a number")
        if self.function == "rename" and self.to is None:
            raise ValueError("rename needs to")


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure of each group.

    Attributes:
        name: what it is called in the result; `sum_amount` for the sum of `amount` by default.
        field: of what; `count` needs none.
    """

    function: Literal["count", "sum", "mean", "min", "max"]
    field: Name | None = None
    name: Name | None = None

    def __post_init__(self) -> None:
        if self.field is None and self.function != "count":
            raise ValueError(f"{self.function} needs a field")

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or (self.function if self.field is None else f"{self.function}_{self.field}")


class Aggregate(_Step, frozen=True, tag="aggregate"):
    """Make one row of each group of rows that agree in the fields `group_by`; of all rows without any."""

    measures: Annotated[list[Measure], Meta(min_length=1, max_length=50)]
    group_by: Annotated[list[Name], Meta(max_length=20)] = []


class SortKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field to sort by: absent ones first, then numbers, then text."""

    field: Name
    descending: bool = False


class Sort(_Step, frozen=True, tag="sort"):
    """Bring the rows into an order; rows that agree stay as they are."""

    by: Annotated[list[SortKey], Meta(min_length=1, max_length=20)]


class Deduplicate(_Step, frozen=True, tag="deduplicate"):
    """Keep the first of the rows that agree in the fields `by`; in all fields without any."""

    by: Annotated[list[Name], Meta(max_length=20)] = []


Operation = Filter | Transform | Aggregate | Sort | Deduplicate


class DataPayload(Payload, frozen=True, kw_only=True):
    """Which data set, and what is done with it, step by step.

    Attributes:
        source: a file `NAME.csv` with a header, or `NAME.jsonl` with one JSON object a line; looked for
            among the tenant's sources, then among the shared ones.
        format: of the result; the source's by default.
    """

    source: str
    operations: Annotated[list[Operation], Meta(min_length=1, max_length=MAX_OPERATIONS)]
    format: Format | None = None

    def __post_init__(self) -> None:
        check_source_name(self.source)
        if not self.source.endswith((".csv", ".jsonl")):
            raise ValueError("source ends in .csv or .jsonl")

    @property
    def source_format(self) -> Format:
        """What the source's name says."""
        return "csv" if self.source.endswith(".csv") else "jsonl"
