"""The sandbox: its addresses, its back end, its functions with their environments, its connections. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.displays.markup import Markup, element
from emulator.displays.tables import time_of
from emulator.displays.theme import display, head
from emulator.displays.words import count, duration, short_names

_ADDRESSES = {
    "websocket": "WebSocket",
    "management": "@connections",
    "https": "the same over TLS",
    "aws_endpoint": "AWS endpoint",
}

_TONES = {"busy": "emu-warn", "starting": "emu-brand", "idle": "emu-good", "finishing": "emu-warn"}

MAX_CONNECTIONS = 20
"""Connections that are listed, the newest. Ours."""


def sandbox_html(overview: Mapping[str, Any]) -> str:
    """Return the sandbox's display.

    Args:
        overview: `{"application", "execution", "addresses", "backend", "functions", "routes", "tables",
            "environments", "connections"}`, as `Sandbox.overview` returns it.
    """
    connections = overview.get("connections", ())
    return display(
        element(
            "div",
            head(
                element("b", "Sandbox"),
                element("span", overview.get("application")),
                element("span", "running", class_="emu-state emu-good"),
            ),
            _facts(overview),
            element("div", "Functions", class_="emu-part"),
            element("div", _functions(overview), class_="emu-wide"),
            element("div", count(len(connections), "open connection"), class_="emu-part"),
            element("div", _connections(connections), class_="emu-wide") if connections else None,
            class_="emu-card",
        )
    )


def sandbox_text(overview: Mapping[str, Any]) -> str:
    """Return the sandbox for a terminal."""
    rows = _lines(overview)
    width = max(len(name) for name, _ in rows)
    lines = [f"Sandbox of {overview.get('application')}, running"]
    lines += [f"  {name:<{width}}  {text}" for name, text in rows]
    lines.append("  functions")
    names = short_names([function["name"] for function in overview.get("functions", ())])
    wide = max(map(len, names.values()), default=0)
    for function in overview.get("functions", ()):
        at_work = [_environment_words(e) for e in _environments(overview, function["name"])]
        what = "; ".join(at_work) or "no environment"
        routes = ", ".join(_routes(overview, function["name"]))
        lines.append(f"    {names[function['name']]:<{wide}}  {what}{f'  ({routes})' if routes else ''}")
    connections = overview.get("connections", ())
    lines.append(f"  {count(len(connections), 'open connection')}")
    lines += [
        f"    {connection['connection_id']}  since {time_of(connection['connected_at'])}"
        for connection in connections[-MAX_CONNECTIONS:]
    ]
    return "\n".join(lines)


def _lines(overview: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the sandbox's facts as names and texts."""
    backend, addresses = overview.get("backend", {}), overview.get("addresses", {})
    engine = f", {backend['engine']} DynamoDB engine" if backend.get("engine") else ""
    is_inline = overview.get("execution") == "inline"
    return [
        *((label, str(addresses[name])) for name, label in _ADDRESSES.items() if name in addresses),
        ("back end", f"{backend.get('name')} {backend.get('version') or ''}".strip() + engine),
        ("tables", ", ".join(overview.get("tables", ())) or "none"),
        ("functions run", "inline, in threads of this process" if is_inline else "in processes of their own"),
    ]


def _facts(overview: Mapping[str, Any]) -> Markup:
    addresses = set(overview.get("addresses", {}).values())
    rows = [
        element(
            "tr",
            element("th", name),
            element("td", element("span", text, class_="emu-mono" if text in addresses else None)),
        )
        for name, text in _lines(overview)
    ]
    return element("table", element("tbody", *rows), class_="emu-table emu-facts")


def _functions(overview: Mapping[str, Any]) -> Markup:
    names = short_names([function["name"] for function in overview.get("functions", ())])
    heads = ("function", "environments", "routes", "limits")
    rows = [
        element(
            "tr",
            element("td", element("b", names[function["name"]]), title=function["name"]),
            element("td", *_badges(_environments(overview, function["name"]))),
            element("td", ", ".join(_routes(overview, function["name"]))),
            element("td", _limits(function), class_="emu-dim"),
        )
        for function in overview.get("functions", ())
    ]
    return element(
        "table",
        element("thead", element("tr", *(element("th", head) for head in heads))),
        element("tbody", *rows),
        class_="emu-table",
    )


def _badges(environments: Sequence[Mapping[str, Any]]) -> list[Markup]:
    if not environments:
        return [element("span", "none; the next call starts one", class_="emu-dim")]
    return [
        element(
            "div",
            element("span", "● ", class_=_TONES.get(str(environment["state"]), "emu-dim")),
            f"{environment['state']} ",
            element("span", _environment_facts(environment), class_="emu-dim"),
        )
        for environment in environments
    ]


def _environment_words(environment: Mapping[str, Any]) -> str:
    return f"{environment['state']} {_environment_facts(environment)}"


def _environment_facts(environment: Mapping[str, Any]) -> str:
    facts = [count(int(environment.get("invocations") or 0), "invocation")]
    if environment.get("pid") is not None:
        facts.insert(0, f"process {environment['pid']}")
    if environment.get("init_ms") is not None:
        facts.append(f"ready in {duration(float(environment['init_ms']))}")
    return ", ".join(facts)


def _limits(function: Mapping[str, Any]) -> str:
    return f"{function.get('timeout_s', 0):g} s, {function.get('memory_mb', 0)} MB"


def _connections(connections: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        element(
            "tr",
            element("td", connection["connection_id"], class_="emu-mono"),
            element("td", time_of(connection["connected_at"])),
            element("td", time_of(connection.get("last_active_at"))),
        )
        for connection in connections[-MAX_CONNECTIONS:]
    ]
    heads = ("connection", "since (UTC)", "last active (UTC)")
    return element(
        "table",
        element("thead", element("tr", *(element("th", head) for head in heads))),
        element("tbody", *rows),
        class_="emu-table",
    )


def _environments(overview: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [found for found in overview.get("environments", ()) if found["function"] == name]


def _routes(overview: Mapping[str, Any], name: str) -> list[str]:
    return [str(route["key"]) for route in overview.get("routes", ()) if route["function"] == name]
