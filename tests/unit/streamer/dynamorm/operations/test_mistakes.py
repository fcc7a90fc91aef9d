"""What is given in another thing's place is told by what it is and what is needed; nothing is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Check,
    Create,
    Database,
    Delete,
    DynamormError,
    InvalidModel,
    InvalidRequest,
    KeyAttribute,
    Model,
    Put,
    Query,
    Scan,
    Table,
    Update,
    attribute,
    key,
)
from streamer.dynamorm.memory import MemoryDynamoDB

ORDERS = Table("orders", KeyAttribute("pk"), KeyAttribute("sk"))


class Order(Model, table=ORDERS, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    customer: Attribute[str]
    number: Attribute[int]
    total: Attribute[int] = attribute(default=0)

    @key
    def at(self, customer: str, number: int) -> None: ...


class Note(Model, table=ORDERS, partition="NOTE#{author}", sort="AT#{place}"):
    author: Attribute[str]
    place: Attribute[str]


ONE = Order.at("ann", 7)
anything: Any = "ann"


@pytest.fixture
def database() -> Database:
    return Database(MemoryDynamoDB())


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda db: db.get(anything), InvalidRequest, r"type str: make one .* Order\.at"),
        (lambda db: db.find(anything), InvalidRequest, r"type str: make one .* Order\.at"),
        (lambda db: db.get(Order), InvalidRequest, "the class Order: make one"),
        (lambda db: db.update(anything, Order.total.set(1)), InvalidRequest, "type str: make one"),
        (lambda db: db.delete(anything), InvalidRequest, "type str: make one"),
        (lambda db: db.batch_get([anything]), InvalidRequest, "type str: make one"),
        (lambda db: db.transact_get(anything), InvalidRequest, "type str: make one"),
        (lambda db: db.update(ONE, Order.total == 1), InvalidModel, r"write Order\.total\.set\(3\)"),
        (lambda db: db.put(anything), InvalidRequest, "item is needed and this is of type str"),
        (
            lambda db: db.create({"customer": "ann"}),
            InvalidRequest,
            "item is needed and this is of type dict",
        ),
        (lambda db: db.write(anything), InvalidRequest, r"give Put\(item\)"),
        (lambda db: db.write(Put(anything)), InvalidRequest, "item is needed"),
        (lambda db: db.write(Create(anything)), InvalidRequest, "item is needed"),
        (lambda db: db.write(Delete(anything)), InvalidRequest, "key is needed"),
        (lambda db: db.transact([Delete(ONE)]), InvalidRequest, r"type list: give Put\(item\)"),
        (lambda db: db.transact(Check(anything, Order.total == 1)), InvalidRequest, "key is needed"),
        (lambda db: db.batch_write([anything]), InvalidRequest, r"give Put\(item\)"),
        (lambda db: list(db.query(Order)), InvalidRequest, r"class Order: give Query\(Order"),
        (lambda db: list(db.scan(anything)), InvalidRequest, r"type str: give Query\(Order"),
        (lambda db: db.page(Order, size=1), InvalidRequest, r"class Order: give Query\(Order"),
        (lambda db: db.count(Order), InvalidRequest, r"class Order: give Query\(Order"),
    ],
)
def test_the_database_tells(
    database: Database, call: Callable[[Any], object], kind: type[DynamormError], said: str
) -> None:
    """No operation answers with Python's own complaint about an attribute."""
    with pytest.raises(kind, match=said):
        call(database)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Update(ONE, Order.total.set(1)), r"a tuple: write \(change,\)"),  # type: ignore[arg-type]
        (lambda: Update(ONE, (Order.total == 1,)), r"write Order\.total\.set\(3\)"),  # type: ignore[arg-type]
        (lambda: Order(customer="ann", number=7).changed(anything), r"write Order\.total\.set\(3\)"),
        (lambda: Query(anything, Order.total == 1), "type str: name a class with a table"),
        (lambda: Scan(Model), "class Model: name a class with a table"),
    ],
)
def test_requests_tell(make: Callable[[], object], said: str) -> None:
    """A request that cannot work is refused where it is made."""
    with pytest.raises(InvalidModel, match=said):
        make()


def test_what_is_given_is_not_shown(database: Database) -> None:
    """An error tells the type of what was given, for its content may be nobody's business."""
    with pytest.raises(InvalidRequest) as caught:
        database.put({"password": "secret"})  # type: ignore[type-var]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Order.at(anything), r"^Order\.at\(customer, number\): missing .* 'number'"),  # type: ignore[call-arg]
        (lambda: Order.at("ann", 7, 8), r"^Order\.at\(customer, number\): too many"),  # type: ignore[call-arg]
        (lambda: Order.at(customer="ann", no=7), r"^Order\.at\(customer, number\): missing"),  # type: ignore[call-arg]
        (lambda: Note.at("ann"), r"^Note\.at .* write at\(author=\.\.\., place=\.\.\.\)"),  # type: ignore[attr-defined]
        (lambda: Note.partition("ann"), r"^Note\.partition .* write partition\(author=\.\.\.\)"),  # type: ignore[attr-defined]
    ],
)
def test_key_methods_name_themselves(call: Callable[[], object], said: str) -> None:
    """A call that does not fit tells the method and the components that it takes."""
    with pytest.raises(TypeError, match=said):
        call()
