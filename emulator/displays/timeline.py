"""The timeline: a sequence diagram, and every event to unfold. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.displays.diagram import Diagram
from emulator.displays.drawing import draw
from emulator.displays.folding import Row, fold
from emulator.displays.markup import Markup, element
from emulator.displays.pictures import image
from emulator.displays.sequence import Entry, read
from emulator.displays.theme import display, head
from emulator.displays.words import brief, compact, count, duration, identifier, pretty

MAX_LISTED = 400
"""Events that can be unfolded one by one, the newest; a notebook with more is slow to open. Ours."""

_LEFT_OUT = frozenset({"about", "connection_id", "request_id", "shard", "first", "last", "pid", "table"})
"""Facts that an event's line leaves to its JSON."""


def timeline_html(
    entries: Sequence[Entry],
    *,
    of: str | None = None,
    invocations: Iterable[Mapping[str, Any]] = (),
    title: str = "What happened",
) -> str:
    """Return the timeline's display.

    Args:
        entries: `{"sequence", "at", "kind", "facts"}`, oldest first.
        of: the id that they belong to, None: to everything.
        invocations: `{"request_id", "event", "response", …}`, shown with the entry of their start and end.
    """
    if not entries:
        return display(_title(title, "nothing yet" if of is None else nothing_known(of)))
    diagram = read(entries)
    explained = {str(invocation["request_id"]): invocation for invocation in invocations}
    took = duration((entries[-1]["at"] - entries[0]["at"]) * 1000)
    facts = f"{count(len(entries), 'event')} in {took}, from {_clock(entries[0]['at'])}"
    return display(
        _title(title, facts),
        image(draw(diagram), alt=_as_text(entries, diagram)) if diagram.steps else None,
        _legend(diagram),
        _list(entries, explained),
    )


def nothing_known(of: str) -> str:
    """Return the sentence about an id that nothing in the timeline has."""
    return f"Nothing is known of {of!r}: the timeline has no request, invocation or connection of that id."


def timeline_text(entries: Sequence[Entry], *, of: str | None = None) -> str:
    """Return the timeline for a terminal, a line per step; `of` as `timeline_html` takes it."""
    if not entries:
        return f"Timeline: {'nothing has happened yet.' if of is None else nothing_known(of)}"
    return _as_text(entries, read(entries))


def _as_text(entries: Sequence[Entry], diagram: Diagram) -> str:
    labels = {lane.name: lane.label for lane in diagram.lanes}
    names = [(row, _way(row, labels)) for row in fold(diagram.steps)]
    width = max((len(way) for _, way in names), default=0)
    took = duration((entries[-1]["at"] - entries[0]["at"]) * 1000)
    lines = [f"Timeline: {count(len(entries), 'event')} in {took}, from {_clock(entries[0]['at'])}"]
    lines += [_line(row, way, width, diagram) for row, way in names]
    return "\n".join(lines)


def _way(row: Row, labels: Mapping[str, str]) -> str:
    step = row.step
    if step.is_note:
        return labels[step.source]
    return f"{labels[step.source]} {'⇢' if step.is_return or step.is_derived else '→'} {labels[step.target]}"


def _line(row: Row, way: str, width: int, diagram: Diagram) -> str:
    step = row.step
    when = "" if step.is_derived else duration((step.at - diagram.steps[0].at) * 1000)
    mark = {"bad": "✗ ", "warn": "! "}.get(step.tone, "")
    label = f"… and {row.hidden} more" if row.hidden else mark + brief(step.label, 80)
    return f"{when:>12}  {way:<{width}}  {label}".rstrip()


def _title(title: str, facts: str) -> Markup:
    return head(element("b", title), element("span", facts, class_="emu-dim"))


def _legend(diagram: Diagram) -> Markup | None:
    """Explain only what is there to be seen."""
    sentences = []
    if any(step.is_return for step in diagram.steps):
        sentences.append("Dashed: an answer, with how long it took.")
    if any(step.is_derived for step in diagram.steps):
        sentences.append("Grey: a write that is known by its stream record.")
    if any(step.via for step in diagram.steps):
        sentences.append("A dot on the gateway's line: sent through its @connections API.")
    return element("div", " ".join(sentences), class_="emu-dim emu-legend") if sentences else None


def _list(entries: Sequence[Entry], explained: Mapping[str, Mapping[str, Any]]) -> Markup:
    listed = entries[-MAX_LISTED:]
    left_out = len(entries) - len(listed)
    began_at = entries[0]["at"]
    return element(
        "details",
        element("summary", f"The {count(len(entries), 'event')}, each with its JSON"),
        element("div", f"The oldest {left_out:,} are left out here.", class_="emu-dim") if left_out else None,
        *(_event(entry, began_at, explained) for entry in listed),
    )


def _event(entry: Entry, began_at: float, explained: Mapping[str, Mapping[str, Any]]) -> Markup:
    facts = entry["facts"]
    short = ", ".join(
        f"{name} {brief(compact(value), 40)}"
        for name, value in facts.items()
        if name not in _LEFT_OUT and value not in (None, False)
    )
    is_bad = facts.get("function_error") or facts.get("type") == "error" or "cause" in facts
    invocation = explained.get(str(facts.get("request_id"))) if str(entry["kind"]) in _EXPLAINED else None
    part = _EXPLAINED.get(str(entry["kind"]), "")
    return element(
        "details",
        element(
            "summary",
            element("span", duration((entry["at"] - began_at) * 1000), class_="emu-when"),
            " ",
            element("span", entry["kind"], class_="emu-bad" if is_bad else "emu-brand"),
            " ",
            element("span", short, class_="emu-dim"),
        ),
        element("pre", pretty(dict(entry))),
        None if invocation is None else _explanation(invocation, part),
    )


_EXPLAINED = {"lambda.start": "event", "lambda.end": "response"}
"""Which part of an invocation belongs to an entry."""


def _explanation(invocation: Mapping[str, Any], part: str) -> Markup:
    return element(
        "details",
        element(
            "summary",
            f"The {part} of invocation ",
            element("span", identifier(str(invocation["request_id"])), class_="emu-mono"),
        ),
        element("pre", pretty(invocation.get(part))),
    )


def _clock(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at} s"
