"""Declarations of tables that cannot work are refused where they are written."""

from collections.abc import Callable

import pytest

from streamer.dynamorm import Index, InvalidModel, KeyAttribute, KeyType, Projection, Table, Throughput

PK = KeyAttribute("pk")
OWNER = KeyAttribute("owner")

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "one attribute as both keys": (lambda: Table("t", PK, PK), "pk as both keys"),
    "the same in an index": (lambda: Index("i", OWNER, OWNER), "owner as both keys"),
    "two indexes of one name": (
        lambda: Table("t", PK, indexes=(Index("i", OWNER), Index("i", PK))),
        "two indexes called i",
    ),
    "one key with two types": (
        lambda: Table("t", PK, indexes=(Index("i", KeyAttribute("pk", KeyType.NUMBER)),)),
        "pk with two types",
    ),
    "an empty projection": (lambda: Index("i", OWNER, projection=()), "KEYS_ONLY"),
    "too many projected names": (
        lambda: Table("t", PK, indexes=(Index("i", OWNER, projection=tuple(map(str, range(101)))),)),
        "over 100",
    ),
    "an index with throughput, billed per request": (
        lambda: Table("t", PK, indexes=(Index("i", OWNER, throughput=Throughput(1, 1)),)),
        "give the table throughput",
    ),
    "no throughput at all": (lambda: Throughput(0, 1), "at least 1 unit"),
}


@pytest.mark.parametrize(("declare", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_declaration(declare: Callable[[], object], sentence: str) -> None:
    """It fails at once, and says how to mend it."""
    with pytest.raises(InvalidModel, match=sentence):
        declare()


def test_the_usual_declaration_is_short() -> None:
    """A table is billed per request and an index has everything, unless they say otherwise."""
    table = Table("t", PK, KeyAttribute("sk"), indexes=(Index("i", OWNER),))
    assert table.throughput is None
    assert table.index("i").projection is Projection.ALL
    assert (table.key_names(), table.key_names("i")) == (("pk", "sk"), ("owner",))
