"""From a declaration and what is there to a plan."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dynamorm import (
    Index,
    KeyAttribute,
    KeyType,
    Projection,
    StreamView,
    Table,
    TableBusy,
    TableCannotChange,
    Throughput,
)
from streamer.dynamorm.tables import Plan, TableDescription, compare
from streamer.dynamorm.tables.descriptions import normalized
from streamer.dynamorm.tables.steps import CreateIndex, DeleteIndex, SetThroughput, SetTimeToLive

BY_OWNER = Index("by-owner", KeyAttribute("owner"))
PLAIN = Table("things", KeyAttribute("pk"), KeyAttribute("sk"), indexes=(BY_OWNER,))

ARN = "arn:aws:kms:us-east-1:000000000000:key/one"


def found(table: Table, **changes: object) -> TableDescription:
    """What a table that was made by its declaration is described as."""
    ttl_status = "DISABLED" if table.ttl_attribute is None else "ENABLED"
    return replace(TableDescription(normalized(table), ttl_status=ttl_status), **changes)  # type: ignore[arg-type]


CHANGES: dict[str, tuple[Table, Table, str]] = {
    "an index more": (
        replace(PLAIN, indexes=(BY_OWNER, Index("by-day", KeyAttribute("day"), KeyAttribute("pk")))),
        PLAIN,
        "   1  things  Build index by-day, keyed by day and pk, over the items that are there.",
    ),
    "an index less": (
        replace(PLAIN, indexes=()),
        PLAIN,
        "!  1  things  Delete index by-owner. (Queries of by-owner fail from then on.)",
    ),
    "an index of other keys": (
        replace(PLAIN, indexes=(Index("by-owner", KeyAttribute("owner"), KeyAttribute("day")),)),
        PLAIN,
        "!  1  things  Delete index by-owner. (Queries of by-owner fail from then on.)\n"
        "   2  things  Build index by-owner, keyed by owner and day, over the items that are there.",
    ),
    "an index that holds less": (
        replace(PLAIN, indexes=(replace(BY_OWNER, projection=Projection.KEYS_ONLY),)),
        PLAIN,
        "!  1  things  Delete index by-owner. (Queries of by-owner fail from then on.)\n"
        "   2  things  Build index by-owner, keyed by owner, over the items that are there.",
    ),
    "a stream": (
        replace(PLAIN, stream=StreamView.NEW_IMAGE),
        PLAIN,
        "   1  things  Turn its stream on, with NEW_IMAGE.",
    ),
    "another stream": (
        replace(PLAIN, stream=StreamView.NEW_IMAGE),
        replace(PLAIN, stream=StreamView.KEYS_ONLY),
        "!  1  things  Turn its stream off. (Whoever reads the stream gets no further records.)\n"
        "   2  things  Turn its stream on, with NEW_IMAGE.",
    ),
    "a TTL": (
        replace(PLAIN, ttl_attribute="expires_at"),
        PLAIN,
        "   1  things  Delete items once expires_at is past (TTL).",
    ),
    "another TTL": (
        replace(PLAIN, ttl_attribute="expires_at"),
        replace(PLAIN, ttl_attribute="until"),
        "   1  things  Delete items no longer once until is past (TTL).\n"
        "  later: the TTL of things moves to expires_at when until is off; plan again in an hour.",
    ),
    "provisioned": (
        replace(PLAIN, throughput=Throughput(5, 2)),
        PLAIN,
        "   1  things  Provision it with 5 read and 2 write units, index by-owner with 5 read and 2 write"
        " units a second.",
    ),
    "per request": (PLAIN, replace(PLAIN, throughput=Throughput(5, 2)), "   1  things  Bill it per request."),
    "a key": (replace(PLAIN, kms_key="one"), PLAIN, "   1  things  Encrypt it with the KMS key one."),
    "no key": (PLAIN, replace(PLAIN, kms_key=ARN), "   1  things  Encrypt it with a key that DynamoDB owns."),
    "protection": (
        replace(PLAIN, deletion_protection=True),
        PLAIN,
        "   1  things  Protect it from deletion.",
    ),
    "recovery": (
        replace(PLAIN, point_in_time_recovery=True),
        PLAIN,
        "   1  things  Turn point-in-time recovery on.",
    ),
    "no recovery": (
        PLAIN,
        replace(PLAIN, point_in_time_recovery=True),
        "!  1  things  Turn point-in-time recovery off. (The backups of the last 35 days are gone.)",
    ),
}


@pytest.mark.parametrize(("declared", "held", "shown"), CHANGES.values(), ids=CHANGES)
def test_a_difference_becomes_steps(declared: Table, held: Table, shown: str) -> None:
    """Each difference is a step, or two, in words; what takes something away is marked."""
    plan = compare(declared, found(held))
    lines = str(plan).splitlines()
    assert [line for line in lines if not line.startswith("A step marked")] == shown.splitlines()
    assert bool(plan.losses) == ("!" in shown)


def test_a_table_that_is_not_there() -> None:
    """It is created whole; TTL and recovery are steps behind it."""
    declared = replace(PLAIN, ttl_attribute="expires_at", point_in_time_recovery=True)
    assert str(compare(declared, None)).splitlines() == [
        "   1  things  Create it, keyed by pk and sk, with the indexes by-owner.",
        "   2  things  Delete items once expires_at is past (TTL).",
        "   3  things  Turn point-in-time recovery on.",
    ]


def test_nothing_to_do() -> None:
    """A table that is as declared, in whatever order, gives an empty plan."""
    declared = replace(
        PLAIN,
        throughput=Throughput(1, 1),
        indexes=(
            Index("b", KeyAttribute("owner"), throughput=Throughput(1, 1)),
            Index("a", KeyAttribute("day"), projection=("y", "x")),
        ),
    )
    held = replace(
        declared,
        indexes=(
            Index("a", KeyAttribute("day"), projection=("x", "y"), throughput=Throughput(1, 1)),
            Index("b", KeyAttribute("owner")),
        ),
    )
    plan = compare(declared, found(held))
    assert not plan
    assert str(plan) == "Nothing to do: the tables are as they are declared."


@pytest.mark.parametrize("kms_key", [ARN, "one", "alias/mine", "alias/aws/dynamodb"])
def test_a_key_by_any_of_its_names(kms_key: str) -> None:
    """DynamoDB tells a key's ARN; its id and its alias mean the same."""
    assert not compare(replace(PLAIN, kms_key=kms_key), found(replace(PLAIN, kms_key=ARN)))


def test_keys_never_change() -> None:
    """Other keys are refused, with what to do instead."""
    declared = Table("things", KeyAttribute("id"))
    with pytest.raises(
        TableCannotChange, match=r"pk \(S\) and sk \(S\), .* id \(S\); keys never change: .* copy"
    ):
        compare(declared, found(PLAIN))
    with pytest.raises(TableCannotChange):
        compare(replace(PLAIN, sort_key=KeyAttribute("sk", KeyType.NUMBER)), found(PLAIN))


def test_a_table_that_is_being_deleted() -> None:
    """There is nothing to compare with until it is gone."""
    with pytest.raises(TableBusy, match="plan again"):
        compare(PLAIN, found(PLAIN, status="DELETING"))


@pytest.mark.parametrize("status", ["ENABLING", "DISABLING"])
def test_a_ttl_that_is_changing(status: str) -> None:
    """DynamoDB refuses a second change within the hour, so none is planned."""
    plan = compare(replace(PLAIN, ttl_attribute="expires_at"), found(PLAIN, ttl_status=status))
    assert not plan.steps
    assert plan.later == (f"the TTL of things is {status}; plan again within the hour.",)


def test_a_new_index_is_built_with_every_key_that_is_used() -> None:
    """DynamoDB wants the types of the keys that stay, and of no others."""
    declared = replace(PLAIN, indexes=(Index("by-day", KeyAttribute("day", KeyType.NUMBER)),))
    delete, create = compare(declared, found(PLAIN)).steps
    assert isinstance(delete, DeleteIndex)
    assert isinstance(create, CreateIndex)
    assert create.arguments()["AttributeDefinitions"] == [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": "day", "AttributeType": "N"},
    ]


def test_only_the_throughput_that_changes_is_sent() -> None:
    """DynamoDB refuses an update to the figures that are there."""
    held = replace(PLAIN, throughput=Throughput(1, 1))
    declared = replace(held, indexes=(replace(BY_OWNER, throughput=Throughput(9, 9)),))
    (step,) = compare(declared, found(held)).steps
    assert isinstance(step, SetThroughput)
    assert list(step.arguments()) == ["GlobalSecondaryIndexUpdates"]


throughputs = st.none() | st.builds(Throughput, st.integers(1, 3), st.integers(1, 3))
indexes = st.lists(
    st.builds(
        Index,
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([KeyAttribute("owner"), KeyAttribute("day", KeyType.NUMBER)]),
        st.sampled_from([None, KeyAttribute("pk")]),
        projection=st.sampled_from([Projection.ALL, Projection.KEYS_ONLY, ("x",), ("y", "x")]),
        throughput=throughputs,
    ),
    max_size=3,
    unique_by=lambda index: index.name,
).map(tuple)


@st.composite
def tables(draw: Callable[..., object]) -> Table:
    throughput = draw(throughputs)
    drawn: tuple[Index, ...] = draw(indexes)  # type: ignore[assignment]
    return replace(
        PLAIN,
        throughput=throughput,
        indexes=drawn if throughput else tuple(replace(index, throughput=None) for index in drawn),
        ttl_attribute=draw(st.sampled_from([None, "expires_at", "until"])),
        stream=draw(st.sampled_from([None, *StreamView])),
        kms_key=draw(st.sampled_from([None, ARN])),
        deletion_protection=draw(st.booleans()),
        point_in_time_recovery=draw(st.booleans()),
    )


@given(tables(), st.none() | tables())
def test_the_steps_lead_to_the_declaration(declared: Table, held: Table | None) -> None:
    """After its plans (two where a TTL moves) a table is as declared, and a further plan is empty."""
    description = None if held is None else found(held)
    for _ in range(2):
        for step in compare(declared, description).steps:
            assert description is None or not step.is_done(description.table)
            after = step.apply_to(None if description is None else description.table)  # type: ignore[arg-type]
            description = found(after)
            assert step.is_done(after)
    assert description is not None
    assert description.table == normalized(declared)
    assert compare(declared, description) == Plan()


def test_steps_on_two_tables_stand_in_one_plan() -> None:
    """Plans add up, and are shown with the tables' names beneath each other."""
    other = Table("o", KeyAttribute("pk"), ttl_attribute="until")
    plan = compare(PLAIN, None) + compare(other, None)
    assert [type(step).__name__ for step in plan.steps] == ["CreateTable", "CreateTable", "SetTimeToLive"]
    assert "   3  o       Delete items once until is past (TTL)." in str(plan)
    assert isinstance(plan.steps[-1], SetTimeToLive)
