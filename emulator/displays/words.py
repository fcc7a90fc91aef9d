"""Values as people read them: durations, sizes, ids, JSON. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from emulator.texts import cut

MAX_JSON_CHARACTERS = 20_000
"""Of one value that is shown folded; a whole response of 6 MB would make a notebook useless."""


def duration(milliseconds: float) -> str:
    """Return a duration with its unit: `0.4 ms`, `14.5 ms`, `292 ms`, `2.41 s`, `3 min 20 s`, `10 min`,
    `2 h 5 min`, `1 d 2 h`."""
    size = abs(milliseconds)
    if size < 99.95:
        return f"{milliseconds:.1f} ms"
    if size < 999.5:
        return f"{milliseconds:.0f} ms"
    if size < 59_995:
        return f"{milliseconds / 1000:.2f} s"
    seconds = round(milliseconds / 1000)
    if size < 3_599_500:
        return _in_two(seconds, (60, "min"), (1, "s"))
    if size < 86_370_000:
        return _in_two(seconds, (3_600, "h"), (60, "min"))
    return _in_two(seconds, (86_400, "d"), (3_600, "h"))


def _in_two(seconds: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    """Return a duration in a large unit (its seconds, its name) and a small one, rounded to that."""
    smalls = round(abs(seconds) / small[0])
    whole_large, rest = divmod(smalls, large[0] // small[0])
    sign = "-" if seconds < 0 else ""
    return f"{sign}{whole_large} {large[1]}" + (f" {rest} {small[1]}" if rest else "")


def count(number: int, noun: str) -> str:
    """Return `1 message`, `3 messages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def brief(text: str, most: int) -> str:
    """Return `text` on one line, cut in the end where it is longer than `most` characters."""
    return cut(" ".join(text.split()), most)


def identifier(text: str) -> str:
    """Return an id that is told from its neighbours by a few characters: `c5de294c…`."""
    return text if len(text) <= 16 else text[:8] + "…"


def whole(number: float) -> str:
    """Return a percentage without needless digits: `66.6`, `100`."""
    return f"{number:.1f}".removesuffix(".0")


def pretty(value: Any) -> str:
    """Return a value as indented JSON, cut where it is very long; what JSON lacks is shown as its `str`."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    if len(text) <= MAX_JSON_CHARACTERS:
        return text
    return f"{text[:MAX_JSON_CHARACTERS]}\n… and {len(text) - MAX_JSON_CHARACTERS:,} characters more"


def compact(value: Any) -> str:
    """Return a value on one line: a text as it is, a number to three decimals or digits, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        if value and abs(value) < 0.001:
            return f"{value:.3g}"
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return each name without the `deployment-` that all of them begin with: `router`."""
    prefixes = {name.split("-", 1)[0] for name in names if "-" in name}
    if len(prefixes) != 1 or not all("-" in name for name in names):
        return {name: name for name in names}
    return {name: name.split("-", 1)[1] for name in names}
