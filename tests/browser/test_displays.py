"""What a person sees of the displays: they fit the page, their pictures are drawn, they follow the theme."""

import html
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.displays.lifecycle import lifecycle_html
from emulator.displays.request import Arrival, RequestView, request_html
from emulator.displays.sandbox import sandbox_html
from emulator.displays.tables import rows_html
from emulator.displays.timeline import timeline_html

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=2000",
    "--dump-dom",
]

LOOK = """<script>addEventListener("load", () => {
  const all = [...document.querySelectorAll(".emu")];
  const images = [...document.images];
  document.body.dataset.seen = JSON.stringify({
    overflow: document.documentElement.scrollWidth - innerWidth,
    grounds: all.map(e => getComputedStyle(e).backgroundColor),
    filters: images.map(e => getComputedStyle(e).filter),
    drawn: images.map(e => e.naturalWidth > 0 && e.getBoundingClientRect().width > 0),
  });
});</script>"""


@pytest.fixture
def see(chromium: str, tmp_path: Path) -> Callable[..., Any]:
    """Open the displays in a page of some width and scheme; returns what is to be seen there."""

    def look(*displays: str, width: int = 1000, is_dark: bool = False, body: str = "") -> Any:
        page = tmp_path / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><body {body}>{''.join(displays)}{LOOK}")
        scheme = f"--blink-settings=preferredColorScheme={0 if is_dark else 1}"
        command = [
            chromium,
            *FLAGS,
            scheme,
            f"--window-size={width},800",
            f"--user-data-dir={tmp_path / 'profile'}",
        ]
        done = subprocess.run(
            [*command, page.as_uri()], capture_output=True, text=True, timeout=60, check=True
        )
        seen = re.search(r'data-seen="([^"]*)"', done.stdout)
        assert seen is not None, done.stdout[-500:]
        return json.loads(html.unescape(seen[1]))

    return look


@pytest.fixture
def displays() -> list[str]:
    """One of each display, with long values."""
    long = "x" * 300
    entries = [
        {
            "sequence": place,
            "at": 1000.0 + place,
            "kind": kind,
            "facts": {"function": f"app-{long}", "request_id": "i1", "bytes": 5, "status": 200},
        }
        for place, kind in enumerate(["gateway.message", "lambda.start", "gateway.post", "lambda.end"])
    ]
    overview = {
        "application": long,
        "addresses": {"websocket": f"ws://{long}"},
        "backend": {"name": "LocalStack"},
        "functions": [{"name": f"app-{long}", "timeout_s": 3, "memory_mb": 128}],
        "environments": [{"function": f"app-{long}", "pid": 1, "state": "idle", "invocations": 1}],
    }
    progress = {"type": "progress", "percentage": 40, "attempt": 1, "sequence": 1, "message": long}
    return [
        sandbox_html(overview),
        request_html(RequestView(long, "sleep", (Arrival(1000.0, progress),))),
        timeline_html(entries),
        rows_html([{long: long, "other": long}]),
        lifecycle_html(
            {("PENDING", "CLAIM"): "PROCESSING", ("PROCESSING", "FAIL"): "FAILED"}, initial="PENDING"
        ),
    ]


@pytest.mark.parametrize("width", [1400, 500], ids=["wide", "narrow"])
def test_displays_fit_the_page(see: Callable[..., Any], displays: list[str], width: int) -> None:
    """However long the values are, a display scrolls within itself and never makes the page wider."""
    seen = see(*displays, width=width)
    assert seen["overflow"] <= 0
    assert seen["drawn"] == [True, True]


def test_displays_follow_the_readers_scheme(see: Callable[..., Any], displays: list[str]) -> None:
    """On a page without a theme of its own the reader's system decides, for elements and pictures alike."""
    light, dark = see(*displays), see(*displays, is_dark=True)
    assert set(light["grounds"]) == {"rgb(255, 255, 255)"}
    assert set(light["filters"]) == {"none"}
    assert set(dark["grounds"]) == {"rgb(13, 17, 23)"}
    assert all("invert" in value for value in dark["filters"])


def test_a_notebooks_theme_counts_more_than_the_system(see: Callable[..., Any], displays: list[str]) -> None:
    """In JupyterLab the displays have its colours, also where the system's scheme is the other one."""
    ground = 'style="--jp-layout-color0:rgb(1, 2, 3)"'
    light = see(*displays, is_dark=True, body=f'data-jp-theme-light="true" {ground}')
    dark = see(*displays, is_dark=False, body=f'data-jp-theme-light="false" {ground}')
    assert set(light["grounds"]) == set(dark["grounds"]) == {"rgb(1, 2, 3)"}
    assert set(light["filters"]) == {"none"}
    assert all("invert" in value for value in dark["filters"])
