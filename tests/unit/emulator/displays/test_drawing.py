"""The sequence diagram's drawing."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from emulator.displays.drawing import draw
from emulator.displays.sequence import read


@pytest.mark.parametrize("functions", [1, 3, 4, 8])
def test_the_lanes_names_stand_within_the_drawing(entries: Callable[..., Any], functions: int) -> None:
    """The box of each lane's name, the last one's too, is not cut off by the drawing's edge."""
    rows = [(0.0, "gateway.message", {"request_id": "r1", "connection_id": "C1", "bytes": 9})]
    for place in range(functions):
        about = {"function": f"app-{place}", "request_id": f"i{place}"}
        rows += [
            (place * 2 + 1.0, "lambda.start", about),
            (place * 2 + 2.0, "lambda.end", {**about, "duration_ms": 1.0, "function_error": None}),
        ]
    drawn = draw(read(entries(*rows)))
    boxes = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="24"', drawn.svg)
    assert len(boxes) > functions
    assert all(float(x) >= 0 and float(x) + float(width) <= drawn.width for x, width in boxes)
