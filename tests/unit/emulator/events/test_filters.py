import pytest

from emulator.errors import InvalidApplication
from emulator.events.filters import Filter

RECORD = {
    "eventName": "INSERT",
    "eventSource": "aws:dynamodb",
    "dynamodb": {
        "ApproximateCreationDateTime": 1693997155.0,
        "Keys": {"pk": {"S": "a"}},
        "NewImage": {
            "pk": {"S": "a"},
            "status": {"S": "PENDING"},
            "empty": {"S": ""},
            "count": {"N": "12"},
            "done": {"BOOL": False},
            "gone": {"NULL": True},
            "tags": {"SS": ["red", "green"]},
            "list": {"L": [{"S": "x"}, {"N": "1"}]},
        },
        "SizeBytes": 300,
        "Nothing": None,
    },
}


def image(**attributes):
    return {"dynamodb": {"NewImage": attributes}}


MATCHING = {
    "equal": image(status={"S": ["PENDING"]}),
    "one of several": image(status={"S": ["RUNNING", "PENDING"]}),
    "several fields": {"eventName": ["INSERT"], **image(status={"S": ["PENDING"]})},
    "empty string": image(empty={"S": [""]}),
    "null": {"dynamodb": {"Nothing": [None]}},
    "boolean": image(done={"BOOL": [False]}),
    "prefix": image(status={"S": [{"prefix": "PEND"}]}),
    "suffix": image(status={"S": [{"suffix": "ING"}]}),
    "equal but for case": image(status={"S": [{"equals-ignore-case": "pending"}]}),
    "anything but a value": image(status={"S": [{"anything-but": "DONE"}]}),
    "anything but values": image(status={"S": [{"anything-but": ["DONE", "FAILED"]}]}),
    "anything but a prefix": image(status={"S": [{"anything-but": {"prefix": "DO"}}]}),
    "a number": {"dynamodb": {"SizeBytes": [300]}},
    "numeric equality ignores how a number is written": {
        "dynamodb": {"SizeBytes": [{"numeric": ["=", 300.0]}]}
    },
    "numeric range": {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0, "<=", 2e9]}]}},
    "exists": image(status={"S": [{"exists": True}]}),
    "does not exist": image(other={"S": [{"exists": False}]}),
    "exists false on what is no leaf": {"dynamodb": {"NewImage": [{"exists": False}]}},
    "an element of a set": image(tags={"SS": ["green"]}),
    "an element of a list of values": image(list={"L": {"S": ["x"]}}),
    "absent, beside a value": image(other={"S": [{"exists": False}, "DONE"]}),
    "a value, beside exists": image(status={"S": ["PENDING", {"exists": False}]}),
    "anything but prefixes": image(status={"S": [{"anything-but": {"prefix": ["DO", "FA"]}}]}),
    "anything but suffixes": image(status={"S": [{"anything-but": {"suffix": ["ED", "NE"]}}]}),
    "or": {"$or": [{"eventName": ["REMOVE"]}, image(status={"S": ["PENDING"]})]},
    "nested or": {"eventName": ["INSERT"], "dynamodb": {"$or": [{"SizeBytes": [1]}, {"SizeBytes": [300]}]}},
    "a pattern without fields": {},
}

OTHER = {
    "another value": image(status={"S": ["DONE"]}),
    "another case": image(status={"S": ["pending"]}),
    "one field of two": {"eventName": ["REMOVE"], **image(status={"S": ["PENDING"]})},
    "an attribute that is absent": image(other={"S": ["a"]}),
    "anything-but of what is absent": image(other={"S": [{"anything-but": "a"}]}),
    "a value without its type descriptor": image(status=["PENDING"]),
    "empty string of what is absent": image(other={"S": [""]}),
    "null of what is absent": {"dynamodb": {"Other": [None]}},
    "a number written otherwise": {"dynamodb": {"SizeBytes": [300.0]}},
    "false is not zero": image(done={"BOOL": [0]}),
    "numeric on N": image(count={"N": [{"numeric": ["=", 12]}]}),
    "numeric on a boolean": image(done={"BOOL": [{"numeric": ["=", 0]}]}),
    "exists on what is no leaf": {"dynamodb": {"NewImage": [{"exists": True}]}},
    "exists false on what is there": image(status={"S": [{"exists": False}]}),
    "prefix of a number": {"dynamodb": {"SizeBytes": [{"prefix": "3"}]}},
    "anything but an excluded prefix": image(status={"S": [{"anything-but": {"prefix": ["DO", "PEN"]}}]}),
    "present with another value than the one beside exists": image(status={"S": [{"exists": False}, "DONE"]}),
    "numeric range above": {"dynamodb": {"SizeBytes": [{"numeric": [">", 300, "<", 400]}]}},
    "anything but an excluded suffix": image(status={"S": [{"anything-but": {"suffix": ["X", "ING"]}}]}),
    "anything but in another case": image(
        status={"S": [{"anything-but": {"equals-ignore-case": "Pending"}}]}
    ),
    "no branch of or": {"$or": [{"eventName": ["REMOVE"]}, {"eventName": ["MODIFY"]}]},
}

INVALID = {
    "not an object": ["INSERT"],
    "a value that is no list": {"eventName": "INSERT"},
    "an empty list": {"eventName": []},
    "an empty nested object": {"dynamodb": {}},
    "unknown operator": {"eventName": [{"like": "INS%"}]},
    "two operators in one rule": {"eventName": [{"prefix": "I", "suffix": "T"}]},
    "numeric without a number": {"a": [{"numeric": [">", "0"]}]},
    "numeric with an odd list": {"a": [{"numeric": [">", 0, "<"]}]},
    "numeric with an unknown sign": {"a": [{"numeric": ["!=", 0]}]},
    "numeric with a sign that is no string": {"a": [{"numeric": [[">"], 0]}]},
    "exists with a word": {"a": [{"exists": "yes"}]},
    "exists beside another operator": {"a": [{"exists": False, "prefix": "x"}]},
    "prefix with a number": {"a": [{"prefix": 3}]},
    "anything-but with nothing": {"a": [{"anything-but": []}]},
    "anything-but with a list of objects": {"a": [{"anything-but": [{"prefix": "a"}]}]},
    "anything-but with numeric": {"a": [{"anything-but": {"numeric": ["=", 1]}}]},
    "or with one branch": {"$or": [{"a": ["x"]}]},
    "or with an object": {"$or": {"a": ["x"]}},
}


@pytest.mark.parametrize("pattern", MATCHING.values(), ids=MATCHING.keys())
@pytest.mark.row("F58", "F59")
def test_lets_a_matching_record_through(pattern):
    """A record passes when every field of the pattern has one of the values or satisfies one of the rules."""
    assert Filter([pattern]).matches(RECORD)


@pytest.mark.parametrize("pattern", OTHER.values(), ids=OTHER.keys())
@pytest.mark.row("F58", "F59")
def test_drops_another_record(pattern):
    """A record is dropped when a field of the pattern is absent or has another value."""
    assert not Filter([pattern]).matches(RECORD)


@pytest.mark.parametrize("pattern", INVALID.values(), ids=INVALID.keys())
@pytest.mark.row("F3.bad-filter", "F59")
def test_refuses_what_is_no_pattern(pattern):
    """A pattern that AWS would refuse, or an operator that is not known, is refused when it is compiled."""
    with pytest.raises(InvalidApplication, match="event filter"):
        Filter([pattern])


def test_any_pattern_suffices():
    """With several patterns a record passes if one of them matches."""
    assert Filter([{"eventName": ["REMOVE"]}, {"eventName": ["INSERT"]}]).matches(RECORD)


def test_no_patterns_let_everything_through():
    """A mapping without filters receives every record."""
    assert Filter([]).matches(RECORD)


def test_a_ttl_deletion_can_be_told_apart():
    """AWS's documented pattern for deletions by time to live works on the record as Lambda spells it."""
    pattern = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert Filter([pattern]).matches({"eventName": "REMOVE", "userIdentity": identity})
    assert not Filter([pattern]).matches({"eventName": "REMOVE"})


def test_one_of_five_patterns_is_enough():
    """A record passes when any of the mapping's patterns matches; five are allowed, a sixth is not."""
    patterns = [image(status={"S": [f"other-{number}"]}) for number in range(4)]
    assert Filter([*patterns, image(status={"S": ["PENDING"]})]).matches(RECORD)
    assert not Filter([*patterns, image(status={"S": ["DONE"]})]).matches(RECORD)
    with pytest.raises(InvalidApplication, match="5 at most"):
        Filter([patterns[0]] * 6)


def test_a_pattern_has_4096_characters_at_most():
    """The length is that of the pattern as JSON."""
    Filter([{"a": ["x" * (4096 - len('{"a":[""]}'))]}])
    with pytest.raises(InvalidApplication, match="4096 at most"):
        Filter([{"a": ["x" * (4097 - len('{"a":[""]}'))]}])
