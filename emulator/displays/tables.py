"""Tables of rows and of invocations: what pandas takes, shown without pandas. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.displays.markup import Markup, element
from emulator.displays.theme import display, head
from emulator.displays.words import brief, compact, count, duration, identifier, pretty, short_names

MAX_ROWS_SHOWN = 100
"""Rows of a table that are shown; the value has all of them. Ours."""

MAX_CELL_CHARACTERS = 160
"""Of one cell; the row's own JSON has it whole. Ours."""

MAX_TEXT_CELL = 28
"""Of one cell in a terminal. Ours."""

Row = Mapping[str, Any]


def rows_html(rows: Sequence[Row], *, title: str = "") -> str:
    """Return items as a table: a column per attribute, and each item whole to unfold."""
    return display(
        _title(title, count(len(rows), "row")),
        _table(rows) if rows else None,
        _whole(rows, "Each row as JSON") if rows else None,
    )


def rows_text(rows: Sequence[Row], *, title: str = "") -> str:
    """Return items for a terminal: a line each, or a block each where they have many attributes."""
    head = f"{title}: {count(len(rows), 'row')}" if title else count(len(rows), "row")
    names = columns(rows)
    shown = rows[:MAX_ROWS_SHOWN]
    lines = [head]
    if not names:
        return head
    if len(names) <= 6:
        lines += _grid([names, *([_cell(row, name) for name in names] for row in shown)])
    else:
        for row in shown:
            width = max(map(len, row), default=0)
            lines.append("")
            lines += [
                f"  {name:<{width}}  {brief(compact(value), 90)}".rstrip() for name, value in row.items()
            ]
    if len(shown) < len(rows):
        lines.append(f"… and {len(rows) - len(shown):,} more")
    return "\n".join(lines)


def events_html(invocations: Sequence[Row]) -> str:
    """Return invocations of a function: a line each, with its event and its response to unfold.

    Args:
        invocations: `{"function", "request_id", "started_at", "duration_ms", "function_error", "event",
            "response"}`, oldest first.
    """
    shown = invocations[-MAX_ROWS_SHOWN:]
    left_out = len(invocations) - len(shown)
    return display(
        _title(_function(invocations), count(len(invocations), "invocation")),
        element("div", f"The oldest {left_out:,} are left out here.", class_="emu-dim") if left_out else None,
        *(_invocation(invocation, is_open=len(shown) == 1) for invocation in shown),
    )


def events_text(invocations: Sequence[Row]) -> str:
    """Return invocations for a terminal: a line each, then the newest one's event and response."""
    lines = [f"{_function(invocations)}: {count(len(invocations), 'invocation')}"]
    lines += _grid(
        [
            [time_of(row.get("started_at")), identifier(str(row.get("request_id"))), took(row), _outcome(row)]
            for row in invocations[-MAX_ROWS_SHOWN:]
        ]
    )
    if invocations:
        newest = invocations[-1]
        lines += ["", "The newest event:", pretty(newest.get("event"))]
        lines += ["", "Its response:", pretty(newest.get("response"))]
    return "\n".join(lines)


def columns(rows: Iterable[Row]) -> list[str]:
    """Return the names of all attributes, in the order in which they are first met."""
    return list(dict.fromkeys(str(name) for row in rows for name in row))


def time_of(epoch_s: Any) -> str:
    """Return a time of day in UTC with milliseconds; the value itself where it is none."""
    try:
        return datetime.fromtimestamp(float(epoch_s), UTC).strftime("%H:%M:%S.%f")[:-3]
    except (TypeError, ValueError, OverflowError, OSError):
        return compact(epoch_s)


def took(invocation: Row) -> str:
    """Return an invocation's duration in words."""
    value = invocation.get("duration_ms")
    return "running" if value is None else duration(float(value))


def _function(invocations: Sequence[Row]) -> str:
    names = {str(row.get("function")) for row in invocations}
    return short_names(sorted(names))[names.pop()] if len(names) == 1 else "Invocations"


def _outcome(invocation: Row) -> str:
    return str(invocation.get("function_error") or ("" if invocation.get("duration_ms") is None else "ok"))


def _invocation(invocation: Row, *, is_open: bool) -> Markup:
    error = invocation.get("function_error")
    return element(
        "details",
        element(
            "summary",
            element("span", time_of(invocation.get("started_at")), class_="emu-when"),
            " ",
            element("span", identifier(str(invocation.get("request_id"))), class_="emu-mono"),
            element("span", f" {took(invocation)} ", class_="emu-dim"),
            element("span", error, class_="emu-bad") if error else None,
        ),
        element("details", element("summary", "event"), _json(invocation.get("event")), open=True),
        element("details", element("summary", "response"), _json(invocation.get("response")), open=True),
        open=is_open,
    )


def _json(value: Any) -> Markup:
    return element("pre", pretty(value))


def _title(title: str, facts: str) -> Markup:
    return head(element("b", title) if title else None, element("span", facts, class_="emu-dim"))


def _table(rows: Sequence[Row]) -> Markup:
    names = columns(rows)
    numeric = {name for name in names if all(_is_number(row.get(name)) for row in rows if name in row)}
    shown = rows[:MAX_ROWS_SHOWN]
    left_out = len(rows) - len(shown)
    table = element(
        "table",
        element("thead", element("tr", *(_heading(name, is_number=name in numeric) for name in names))),
        element("tbody", *(element("tr", *(_data(row, name) for name in names)) for row in shown)),
        class_="emu-table",
    )
    more = element("div", f"… and {left_out:,} more", class_="emu-dim") if left_out else None
    return element("div", table, more, class_="emu-wide")


def _heading(name: str, *, is_number: bool) -> Markup:
    return element("th", name, class_="emu-number" if is_number else None)


def _data(row: Row, name: str) -> Markup:
    if name not in row:
        return element("td", "·", class_="emu-dim")
    value = row[name]
    text = brief(compact(value), MAX_CELL_CHARACTERS)
    if _is_number(value):
        return element("td", text, class_="emu-number")
    return element("td", element("div", text, class_="emu-cell"))


def _whole(rows: Sequence[Row], title: str) -> Markup:
    return element("details", element("summary", title), *(_json(dict(row)) for row in rows[:MAX_ROWS_SHOWN]))


def _cell(row: Row, name: str) -> str:
    return brief(compact(row[name]), MAX_TEXT_CELL) if name in row else "·"


def _grid(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))] if lines else []
    return [
        ("  " + "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True))).rstrip()
        for line in lines
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
