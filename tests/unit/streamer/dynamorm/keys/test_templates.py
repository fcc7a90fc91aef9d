"""Key templates: different components, different keys."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dynamorm.errors import DecodingFailed, EncodingFailed, InvalidModel
from streamer.dynamorm.keys.templates import KeyTemplate, decode_component, encode_component

COMPONENT = st.text(alphabet=st.characters() | st.sampled_from("#%23"), min_size=1)
TEMPLATE = KeyTemplate("REQUEST#{tenant}#{user}#{id}")


@given(text=COMPONENT)
def test_a_component_comes_back(text: str) -> None:
    """Encoding loses nothing and leaves no separator."""
    encoded = encode_component(text)
    assert "#" not in encoded
    assert decode_component(encoded) == text


@given(one=st.tuples(COMPONENT, COMPONENT, COMPONENT), two=st.tuples(COMPONENT, COMPONENT, COMPONENT))
def test_different_components_never_share_a_key(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    """Two triples have the same key only if they are the same."""
    names = ("tenant", "user", "id")
    keys = [TEMPLATE.render(dict(zip(names, triple, strict=True))) for triple in (one, two)]
    assert (keys[0] == keys[1]) is (one == two)
    assert TEMPLATE.parse(keys[0]) == dict(zip(names, one, strict=True))


@pytest.mark.parametrize(
    ("template", "values", "key", "prefix"),
    [
        ("REQUEST#{a}#{b}", {"a": "x", "b": "y"}, "REQUEST#x#y", "REQUEST#"),
        ("STATE", {}, "STATE", "STATE"),
        ("{a}", {"a": "x#y"}, "x%23y", ""),
        ("A#{a}#B#{b}#END", {"a": "100%", "b": 7}, "A#100%25#B#7#END", "A#"),
    ],
    ids=str,
)
def test_render(template: str, values: dict[str, Any], key: str, prefix: str) -> None:
    """Constant text stays, components are filled in."""
    assert KeyTemplate(template).render(values) == key
    assert KeyTemplate(template).prefix == prefix


@pytest.mark.parametrize(
    "template", ["", "A{a}", "{a}{b}", "A#{a}B", "A#{}", "A#{a!r}", "A#{a:>3}", "A#{a b}", "A#}"]
)
def test_a_wrong_template_is_refused(template: str) -> None:
    """A component that doesn't stand alone could make two tuples share a key."""
    with pytest.raises(InvalidModel):
        KeyTemplate(template)


@pytest.mark.parametrize("value", [None, "", True, 1.5, b"x"], ids=repr)
def test_a_wrong_component_is_refused(value: Any) -> None:
    """A component is text that is not empty, or an integer."""
    with pytest.raises(EncodingFailed, match="user"):
        TEMPLATE.render({"tenant": "t", "user": value, "id": "i"})


@pytest.mark.parametrize("key", ["REQUEST#a#b", "REQUEST#a#b#c#d", "OTHER#a#b#c"])
def test_another_templates_key_is_refused(key: str) -> None:
    """A key is read only by the template that wrote it."""
    with pytest.raises(DecodingFailed):
        TEMPLATE.parse(key)
