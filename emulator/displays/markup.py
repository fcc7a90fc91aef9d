"""HTML and SVG as values: what is not markup yet is escaped, always. Pure."""

import re
from typing import Any

_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What HTML does not allow in a text, and lone surrogates, which cannot be sent at all."""

EMPTY_ELEMENTS = frozenset({"br", "col", "hr", "img", "circle", "ellipse", "line", "path", "polygon", "rect"})
"""Elements without content; SVG's are closed in the tag."""


class Markup(str):
    """A text that is HTML already. Only this module makes one from anything but its own elements."""

    __slots__ = ()


def escape(value: Any) -> Markup:
    """Return `value` as HTML text: markup as it is, everything else as its escaped `str`."""
    if isinstance(value, Markup):
        return value
    return Markup(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value)).translate(_SPECIAL))


def join(*parts: Any) -> Markup:
    """Return the parts one after the other; None counts as nothing."""
    return Markup("".join(escape(part) for part in parts if part is not None))


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """Return one element.

    Args:
        children: texts, which are escaped, and markup; None counts as nothing.
        attributes: `class_` is `class` and `stroke_width` is `stroke-width`. None and False leave an
            attribute out, True gives it no value; numbers lose what a picture does not need.
    """
    text = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in EMPTY_ELEMENTS:
        return Markup(f"<{name}{text}/>")
    return Markup(f"<{name}{text}>{join(*children)}</{name}>")


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-") if key != "viewBox" else key
    if value is True:
        return f" {name}"
    if isinstance(value, float):
        value = f"{value:.1f}".removesuffix(".0")
    return f' {name}="{escape(value)}"'
