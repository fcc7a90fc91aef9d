"""Uses of DynamORM that type checkers refuse: what ends with `# wrong` is an error, no other line is."""

from dynamorm_right import Address, Note, Order, Status, order

from streamer.dynamorm import (
    Attribute,
    Condition,
    Database,
    Put,
    Query,
    Returns,
    Update,
    UpdateAction,
    attribute,
)

Order(customer="ann")  # wrong: missing
Order(customer="ann", number="7")  # wrong: type
Order(customer="ann", number=7, totl=3)  # wrong: name
Order(customer="ann", number=7, version=3)  # wrong: written by the package
Order(customer="ann", number=7, tags=[1])  # wrong: type of a member
order.total = 3  # wrong: items do not change
print(order.totl)  # wrong: name
print(Order.totl)  # wrong: name


class Declared:
    text: Attribute[str] = attribute(default=3)  # wrong: default
    number: Attribute[int] = attribute(default=None)  # wrong: default
    tags: Attribute[list[str]] = attribute(default_factory=dict)  # wrong: default


Order.at("ann")  # wrong: missing component
Order.at("ann", "7")  # wrong: type of a component
Order.at(customer="ann", numbr=7)  # wrong: name of a component
Order.at(customer="ann", number=7, total=3)  # wrong: no component
Order.of_customer(3)  # wrong: type
Note.at()  # wrong: missing component
Note.partition(customer="ann")  # wrong: not declared

condition: Condition
condition = Order.total == "x"  # wrong: type
condition = Order.total == 1.5  # wrong: type
condition = Order.status == "open"  # wrong: type
condition = Order.total == Order.customer  # wrong: types of two attributes
condition = Order.tags[0] == 3  # wrong: type of a member
condition = Order.address.path(lambda address: address.city) == 3  # wrong: type of a field
condition = Order.total > "x"  # wrong: type
Order.total.between("a", "b")  # wrong: type
Order.total.is_in(["a"])  # wrong: type
Order.total.begins_with("x")  # wrong: no text
Order.total.contains(1)  # wrong: no text, set or list
Order.tags.contains(1)  # wrong: type of a member
Order.names.contains(1)  # wrong: type of a member
Order.labels[0]  # wrong: a map has keys
Order.tags["x"]  # wrong: a list has places
Order.total[0]  # wrong: no parts
Order.address.path(lambda address: address.citty)  # wrong: name of a field
print(Order.total.city)  # wrong: a number has no fields
print(Order.total.incremnt)  # wrong: name
Order.address.city.begins_with(3)  # wrong: type
Order.customer.has_type("X")  # wrong: no such type
condition = Order.tags.size() > "x"  # wrong: a size is a number
(Order.total == "x") & Order.total.exists()  # wrong: type

Order.total.set("x")  # wrong: type
Order.total.set(Order.customer)  # wrong: type of another attribute
Order.total.set(Order.share)  # wrong: type of another attribute
Order.total.set(Order.customer + "x")  # wrong: no number
Order.total + "x"  # wrong: type
Order.total.increment("x")  # wrong: type
Order.total.increment(1.5)  # wrong: type
Order.customer.increment()  # wrong: no number
Order.tags.append([1])  # wrong: type of a member
Order.tags.append("x")  # wrong: no list
Order.names.add(frozenset({1}))  # wrong: type of a member
Order.names.discard({"x": 1})  # wrong: no set
Order.address.path(lambda address: address.city).set(3)  # wrong: type of a field
Order.lines[0].set("x")  # wrong: type of a member
Order.status.set("open")  # wrong: type


def operations(database: Database) -> None:
    """Requests take models, keys and conditions, not what looks like them."""
    Put(order, Order.total == "x")  # wrong: type
    Query(Order, Order.customer == 3)  # wrong: type
    Query(Order, "customer = ann")  # wrong: no condition
    Update(Order.at("ann", 7), Order.total.set(3))  # wrong: one action is no tuple
    database.get("ann")  # wrong: no key
    print(database.get(Order.at("ann", 7)).totl)  # wrong: name
    note: Note = database.get(Order.at("ann", 7))  # wrong: another model
    action: UpdateAction = Order.total == 3  # wrong: a condition is no change
    address: Address = order.address  # wrong: it may be None
    status: Status = Order.status  # wrong: the attribute is not its value
    print(note, action, address, status)


def answers(database: Database) -> None:
    """An answer is not of another type than was asked for."""
    database.put(order, returns=Returns.NONE)  # wrong: a put has an answer
    database.delete(order, returns=Returns.NEW)  # wrong: nothing is new
    database.create(Order.at("ann", 7))  # wrong: a key is no item
    database.batch_write([Update(Order.at("ann", 7), ())])  # wrong: batches have no updates
    database.query(Order)  # wrong: no query
    database.page(Query(Order, Order.customer == "ann"))  # wrong: no size
    old: Order = database.put(order, returns=Returns.OLD)  # wrong: there may be none
    print(old)
