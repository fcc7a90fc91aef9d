"""Request models."""

import pytest

from emulator.errors import InvalidApplication
from emulator.gateway.models import Models

SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "title": "a post",
    "type": "object",
    "required": ["action", "text"],
    "properties": {
        "action": {"enum": ["post"]},
        "text": {"type": "string", "minLength": 1},
        "priority": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "default": 7},
        "next": {"$ref": "#/definitions/next"},
    },
    "definitions": {"next": {"type": "object", "properties": {"next": {"$ref": "#/definitions/next"}}}},
}


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        ('{"action": "post", "text": "x"}', True),
        ('{"action": "post", "text": "x", "more": 1}', True),
        ('{"action": "post", "text": "x", "priority": 1}', True),
        ('{"action": "post", "text": "x", "priority": 0}', False),
        ('{"action": "post", "text": "x", "priority": 1.5}', False),
        ('{"action": "post", "text": "x", "priority": true}', False),
        ('{"action": "post", "text": ""}', False),
        ('{"action": "post"}', False),
        ('{"action": "other", "text": "x"}', False),
        ('{"action": "post", "text": "x", "next": {"next": {"next": 1}}}', False),
        ('{"action": "post", "text": "x", "next": ' + '{"next": ' * 500 + "{}" + "}" * 500 + "}", None),
        ('["post"]', False),
        ("null", False),
        ("post", False),
        ("", False),
        ("[" * 100_000, False),
    ],
    ids=lambda value: repr(value)[:70],
)
def test_a_body_matches_its_model_or_not(body, accepted):
    """Draft 4 decides, exclusiveMinimum as a boolean included; what is not JSON never matches (A31)."""
    models = Models({"post": SCHEMA})
    if accepted is None:  # deep: either answer, but no error
        assert models.accepts("post", body) in (True, False)
    else:
        assert models.accepts("post", body) is accepted


def test_a_schema_without_a_dialect_is_draft_4():
    """`$schema` may be left out, and the declaration is not written to."""
    schema = {"type": "number", "maximum": 1, "exclusiveMaximum": True}
    models = Models({"m": schema})
    assert not models.accepts("m", "1")
    assert models.accepts("m", "0")
    assert schema == {"type": "number", "maximum": 1, "exclusiveMaximum": True}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "objekt"}, "not a JSON schema"),
        ({"type": "object", "properties": {"a": {"$ref": "#/definitions/none"}}}, "not a JSON schema"),
        ({"type": "string", "pattern": "("}, "not a JSON schema"),
        ({"properties": 1}, "not a JSON schema"),
        ({"type": "object", "required": "a"}, "not a JSON schema"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "draft 4"),
        ({"$ref": "https://apigateway.amazonaws.com/restapis/x/models/m"}, "definitions"),
        ({"items": [{"$ref": "other.json"}]}, "other.json"),
        ([], "JSON object"),
        ({"a": 1j}, "JSON object"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_wrong_schema_is_refused_at_the_start(schema, told):
    """What is no self-contained schema of draft 4 is an error of the declaration; nothing is fetched."""
    with pytest.raises(InvalidApplication) as caught:
        Models({"wrong": schema})
    assert "'wrong'" in str(caught.value)
    assert told in str(caught.value)
