"""What an application may declare."""

from pathlib import Path

import pytest

from emulator.application import (
    Application,
    AsynchronousConfig,
    Destination,
    Function,
    Index,
    Key,
    Route,
    Schedule,
    StreamMapping,
    StreamViewType,
    Table,
    WebSocketApi,
)
from emulator.errors import InvalidApplication
from emulator.resources import table_request

F = Function("f", "m.h", Path("/code"))
T = Table("t", Key("pk"), stream_view_type=StreamViewType.NEW_IMAGE)


@pytest.mark.parametrize(
    "parts",
    [
        {"apis": [WebSocketApi("api", [Route("$default", "nobody")])]},
        {"schedules": [Schedule("s", "rate(1 minute)", "nobody")]},
        {
            "functions": [
                Function(
                    "f",
                    "m.h",
                    Path("/"),
                    asynchronous=AsynchronousConfig(on_failure=Destination.function("nobody")),
                )
            ]
        },
        {"functions": [F], "tables": [Table("t", Key("pk"))], "stream_mappings": [StreamMapping("t", "f")]},
        {
            "functions": [F],
            "tables": [T],
            "stream_mappings": [StreamMapping("t", "f", on_failure=Destination.queue("q"))],
        },
        {"functions": [F], "stream_mappings": [StreamMapping("t", "f")]},
    ],
    ids=["route", "schedule", "destination", "table-without-stream", "queue", "table"],
)
def test_a_contradiction_is_refused_where_it_is_declared(parts: dict[str, object]) -> None:
    """A name that nothing stands behind is an error with a sentence, not a failure at run time."""
    with pytest.raises(InvalidApplication, match="declared"):
        Application("app", **parts)  # type: ignore[arg-type]


def test_a_function_is_found_by_its_short_name() -> None:
    """`executor` means `streamer-executor` where only one function ends like that."""
    application = Application("app", functions=[Function("app-f", "m.h", Path("/")), F])
    assert application.function("f") is F
    assert Application("app", functions=[Function("app-g", "m.h", Path("/"))]).function("g").name == "app-g"
    with pytest.raises(KeyError):
        application.function("h")


def test_a_table_is_asked_for_as_dynamodb_wants_it() -> None:
    """Every key attribute is defined once; indexes project all; the stream has its view."""
    table = Table(
        "t",
        Key("pk"),
        Key("sk"),
        [Index("due", Key("due"), Key("due_at", "N")), Index("again", Key("pk"), Key("due_at", "N"))],
        StreamViewType.NEW_AND_OLD_IMAGES,
    )
    request = table_request(table)
    assert request["AttributeDefinitions"] == [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": "due", "AttributeType": "S"},
        {"AttributeName": "due_at", "AttributeType": "N"},
    ]
    assert request["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert [index["IndexName"] for index in request["GlobalSecondaryIndexes"]] == ["due", "again"]
