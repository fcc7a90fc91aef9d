"""What is given in another thing's place, told before anything is made of it. Pure: no I/O."""

from streamer.dynamorm.errors import InvalidModel, InvalidRequest
from streamer.dynamorm.models.model import Key, Model


def expect_key(key: object) -> None:
    """Refuse what is no key.

    Raises:
        InvalidRequest: says how one is made.
    """
    if not isinstance(key, Key):
        raise InvalidRequest(
            f"A key is needed and this is {kind_of(key)}: make one with the model's key method, such as"
            " Order.at(...), or from an item with Key.of(item)."
        )


def expect_item(item: object) -> None:
    """Refuse what is no item of a model.

    Raises:
        InvalidRequest: says what one is.
    """
    if not isinstance(item, Model):
        raise InvalidRequest(
            f"An item is needed and this is {kind_of(item)}: make one of a model, such as Order(...)."
        )


def expect_model(model: object) -> None:
    """Refuse what cannot be read as: no model, or one without a table.

    Raises:
        InvalidModel: says what can.
    """
    if not hasattr(model, "__schema__"):
        raise InvalidModel(
            f"A model is needed and this is {kind_of(model)}: name a class with a table, or Kinds of some."
        )


def kind_of(given: object) -> str:
    """Return what it is, without its content, which logs must not show."""
    return f"the class {given.__name__}" if isinstance(given, type) else f"of type {type(given).__name__}"
