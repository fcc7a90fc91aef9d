import json

import pytest

from emulator.events.item_failures import failed_items
from emulator.invocation import InvocationResult

BATCH = ["a", "b", "c"]
ALL = {0, 1, 2}


def failed(payload, *, report=True, error=None):
    return failed_items(InvocationResult("r", payload, error), BATCH, report_batch_item_failures=report)


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"{}", b'{"batchItemFailures": []}', b'""', b"0"])
def test_nothing_reported_is_success(payload):
    """Empty and null answers, and empty and null lists, are success (row F50)."""
    assert failed(payload) == frozenset()


def test_a_null_list_is_success():
    """`batchItemFailures: null` is success (row F50)."""
    assert failed(b'{"batchItemFailures": null}') == frozenset()


@pytest.mark.parametrize(
    "item",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"itemIdentifier": "x"},
        {"foo": "a"},
        {},
        "a",
        1,
        None,
    ],
    ids=json.dumps,
)
def test_an_odd_identifier_fails_the_whole_batch(item):
    """An identifier that is empty, null, unknown or under another key fails everything (row F51)."""
    assert failed(json.dumps({"batchItemFailures": [{"itemIdentifier": "b"}, item]}).encode()) == ALL


@pytest.mark.parametrize("payload", [b"{", b"[1]", b'"text"', b'{"batchItemFailures": {"a": 1}}', b"7"])
def test_another_form_fails_the_whole_batch(payload):
    """An answer that is no JSON, or of another form, fails everything."""
    assert failed(payload) == ALL


def test_reported_items_fail_alone():
    """Only what is reported fails, however often it is."""
    items = [{"itemIdentifier": name} for name in ("c", "a", "c")]
    assert failed(json.dumps({"batchItemFailures": items}).encode()) == {0, 2}


def test_a_function_error_fails_the_whole_batch():
    """A function that raised has processed nothing, whatever it may report."""
    assert failed(b'{"errorMessage": "no"}', error="Unhandled") == ALL
    assert failed(b'{"errorMessage": "no"}', error="Unhandled", report=False) == ALL


def test_reports_count_only_where_they_are_asked_for():
    """Without ReportBatchItemFailures the same answer is success."""
    assert failed(b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', report=False) == frozenset()
