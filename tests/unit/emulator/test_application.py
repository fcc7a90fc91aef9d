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
    Queue,
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


A = WebSocketApi("a", [])
S = Schedule("s", "rate(1 minute)", "f")


@pytest.mark.parametrize(
    "parts",
    [
        {"functions": [F, F]},
        {"tables": [T, Table("t", Key("id"))]},
        {"queues": [Queue("q"), Queue("q", 60)]},
        {"apis": [A, A]},
        {"functions": [F], "schedules": [S, S]},
        {"buckets": ["b", "b"]},
    ],
    ids=["functions", "tables", "queues", "APIs", "schedules", "buckets"],
)
def test_one_name_for_two_is_refused(parts: dict[str, object], request: pytest.FixtureRequest) -> None:
    """Two things of one kind would be one on AWS."""
    with pytest.raises(InvalidApplication, match=f"2 {request.node.callspec.id} are called"):
        Application("app", **parts)  # type: ignore[arg-type]


def test_stream_view_type_may_be_a_text_that_there_is() -> None:
    """A view that DynamoDB has is taken, any other refused with those that it has."""
    assert Table("t", Key("pk"), stream_view_type="NEW_IMAGE").stream_view_type is StreamViewType.NEW_IMAGE  # type: ignore[arg-type]
    with pytest.raises(InvalidApplication, match="'NEW_AND_OLD'; DynamoDB has KEYS_ONLY, NEW_IMAGE, "):
        Table("t", Key("pk"), stream_view_type="NEW_AND_OLD")  # type: ignore[arg-type]


def test_code_may_be_a_text() -> None:
    """A folder's name becomes its path; what is no path is refused."""
    assert Function("f", "m.h", "code").code == Path("code")  # type: ignore[arg-type]
    with pytest.raises(InvalidApplication, match="code of function f is None"):
        Function("f", "m.h", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "meant"),
    [("request.body.action", "'$request.body.action'"), ("{request.body.a}/b", "'${request.body.a}/b'")],
)
def test_path_without_its_dollar_is_refused(expression: str, meant: str) -> None:
    """AWS would take it as text, and send every message the same way."""
    api = WebSocketApi("api", [], route_selection_expression=expression)
    with pytest.raises(InvalidApplication, match="without its dollar sign") as refusal:
        Application("app", apis=[api])
    assert meant in str(refusal.value)
    Application("app", apis=[WebSocketApi("api", [], route_selection_expression="text")])


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
