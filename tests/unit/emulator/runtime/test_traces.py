"""The trace header of an invocation."""

import pytest

from emulator.runtime.traces import complete_trace_header

ROOT = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"
DIGITS = "0123456789abcdef01234567" + "fedcba9876543210"


@pytest.mark.row("H2")
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "Root=1-6553f100-0123456789abcdef01234567;Parent=fedcba9876543210;Sampled=0"),
        (ROOT, f"{ROOT};Parent=fedcba9876543210;Sampled=0"),
        (f"{ROOT};Sampled=1", f"{ROOT};Parent=fedcba9876543210;Sampled=1"),
        (f"{ROOT};Sampled=?", f"{ROOT};Parent=fedcba9876543210;Sampled=0"),
        (f"Self=1-a-b; {ROOT}", f"{ROOT};Parent=fedcba9876543210;Sampled=0;Self=1-a-b"),
        (
            f"{ROOT};Parent=9a9197af755a6419;Sampled=1;Lineage=a:0",
            f"{ROOT};Parent=9a9197af755a6419;Sampled=1;Lineage=a:0",
        ),
        ("nonsense", "Root=1-6553f100-0123456789abcdef01234567;Parent=fedcba9876543210;Sampled=0"),
    ],
    ids=["none", "root", "sampled", "undecided", "self", "whole", "nonsense"],
)
def test_it_has_three_parts(header: str | None, expected: str) -> None:
    """Root, parent and the sampling decision are there, new ones only where the caller gave none."""
    assert complete_trace_header(header, now=1_700_000_000.5, digits=DIGITS) == expected
