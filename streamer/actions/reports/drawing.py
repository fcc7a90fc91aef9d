"""A chart as a PNG. Pure: values in, bytes out. Pillow is imported when the first one is drawn.

Measured on Python 3.11: Pillow takes 21 MB of the package and its import a third of botocore's;
matplotlib with what it needs takes 115 MB more.
"""

import io
from decimal import Decimal
from typing import Any

from streamer.actions.reports.charting import Chart
from streamer.texts import cut

WIDTH, HEIGHT = 960, 540
"""Pixels."""

_LEFT, _TOP, _RIGHT, _BOTTOM = 100, 50, 200, 60
_INK, _FAINT, _PAPER = "#222222", "#dddddd", "#ffffff"
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
"""Told apart by colour-blind readers, too. Source: Okabe and Ito, "Color Universal Design", 2008."""

_BAR_SHARE = 0.8
"""Of the width that a period has, what its bar takes."""

_NAME_LENGTH = 22
"""Characters of a category's name in the legend."""


def draw(chart: Chart) -> bytes:
    """Return the picture; the same chart gives the same bytes with the same version of Pillow.

    Letters that the built-in font lacks (it has Latin ones) are drawn as boxes.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    canvas = _Canvas(chart, ImageDraw.Draw(image), ImageFont.load_default(12), ImageFont.load_default(16))
    canvas.draw_scale()
    canvas.draw_bars()
    canvas.draw_periods()
    canvas.draw_legend()
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


class _Canvas:
    def __init__(self, chart: Chart, pen: Any, font: Any, title_font: Any) -> None:
        self._chart = chart
        self._pen = pen
        self._font = font
        self._title_font = title_font
        self._slot = (WIDTH - _LEFT - _RIGHT) / max(len(chart.periods), 1)

    def draw_scale(self) -> None:
        self._pen.text((_LEFT, 16), self._chart.title, fill=_INK, font=self._title_font)
        for tick in self._chart.ticks:
            y = self._y(tick)
            self._pen.line(((_LEFT, y), (WIDTH - _RIGHT, y)), fill=_INK if tick == 0 else _FAINT)
            self._pen.text((_LEFT - 8, y), self._amount(tick), fill=_INK, font=self._font, anchor="rm")

    def draw_bars(self) -> None:
        margin = self._slot * (1 - _BAR_SHARE) / 2
        for block in self._chart.blocks:
            left = _LEFT + block.period * self._slot + margin
            box = ((left, self._y(block.high)), (left + self._slot * _BAR_SHARE, self._y(block.low)))
            self._pen.rectangle(box, fill=_colour(block.category))

    def draw_periods(self) -> None:
        widest = max((self._font.getlength(name) for name in self._chart.periods), default=0)
        every = int((widest + 10) // self._slot) + 1
        for place, name in enumerate(self._chart.periods):
            if place % every == 0:
                x = _LEFT + (place + 0.5) * self._slot
                self._pen.text((x, HEIGHT - _BOTTOM + 8), name, fill=_INK, font=self._font, anchor="mt")

    def draw_legend(self) -> None:
        for place, name in enumerate(self._chart.categories):
            x, y = WIDTH - _RIGHT + 20, _TOP + place * 22
            self._pen.rectangle(((x, y), (x + 12, y + 12)), fill=_colour(place))
            self._pen.text((x + 20, y), cut(name, _NAME_LENGTH), fill=_INK, font=self._font)

    def _y(self, amount: Decimal) -> float:
        low, high = self._chart.ticks[0], self._chart.ticks[-1]
        return HEIGHT - _BOTTOM - float((amount - low) / (high - low)) * (HEIGHT - _TOP - _BOTTOM)

    def _amount(self, tick: Decimal) -> str:
        exponent = int(self._chart.step.normalize().as_tuple().exponent)
        return f"{tick:,.{max(0, -exponent)}f}"


def _colour(category: int) -> str:
    return _COLOURS[category % len(_COLOURS)]
