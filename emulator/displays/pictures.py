"""Drawings as images that carry their own look.

A drawing stands in the page as an `<img>`, not as elements: pages that show outputs of others (a notebook
that is not trusted yet, a repository's viewer) drop elements of SVG and would leave their texts as a
jumble. Its colours are those of a light page; the style sheet turns them over on a dark one. Pure.
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from emulator.displays.markup import Markup, element

SMALLEST = 0.8
"""To which part of its size a drawing shrinks; its smallest letters can then still be read. Ours."""

_RULES = """
svg{background:#fff;color:#1f2328;font:11.5px system-ui,-apple-system,'Segoe UI',sans-serif}
text{fill:#1f2328}
.name{font-weight:600}.tiny{font-size:10.5px}
.halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
.dim{color:#59636e}.warn{color:#9a6700}.bad{color:#cf222e}
text.dim{fill:#59636e}text.warn{fill:#9a6700}text.bad{fill:#cf222e}
.life{stroke:#d1d9e0;stroke-dasharray:3 3}
.box{fill:#f3f5f7;stroke:#d1d9e0}
.now{stroke:#0969da;stroke-width:2px}
.pale{opacity:.4}
.arrow{stroke:currentColor;fill:none;stroke-width:1.4px}
.dashed{stroke-dasharray:5 3}
.point{fill:currentColor}
.work{fill:#fff;stroke:#0969da;stroke-width:1.3px}
.work.bad{stroke:#cf222e}
"""

_STYLE = Markup(f"<style>{_RULES.replace(chr(10), '')}</style>")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole `<svg>`, also for a file.

    Attributes:
        width: its natural one in pixels.
    """

    svg: Markup
    width: float


def drawing(*children: Any, width: float, height: float) -> Drawing:
    """Return a drawing of that natural size in pixels."""
    svg = element(
        "svg",
        _STYLE,
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
    )
    return Drawing(svg, width)


def image(drawn: Drawing, *, alt: str) -> Markup:
    """Return a drawing as an image that shrinks a little on a narrow page, and then scrolls sideways.

    Args:
        alt: the same as text, for those who don't see it.
    """
    source = "data:image/svg+xml;base64," + b64encode(drawn.svg.encode()).decode()
    least = f"min-width:{drawn.width * SMALLEST:.0f}px"
    picture = element("img", src=source, alt=alt, class_="emu-picture", style=least)
    return element("div", picture, class_="emu-wide")


def label(text: str, x: float, y: float, anchor: str, class_: str) -> Markup:
    """Return a text that stands at a point: its `start`, `middle` or `end`."""
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=class_)


def tip(x: float, y: float, across: int, down: int = 0) -> Markup:
    """Return an arrowhead with its point at `x, y` that looks in a direction."""
    if across:
        points = f"{x:.0f},{y:.0f} {x - 8 * across:.0f},{y - 4:.0f} {x - 8 * across:.0f},{y + 4:.0f}"
    else:
        points = f"{x:.0f},{y:.0f} {x - 4:.0f},{y - 8 * down:.0f} {x + 4:.0f},{y - 8 * down:.0f}"
    return element("polygon", points=points, class_="point")
