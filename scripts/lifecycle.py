"""Writes the section of streamer/README.md that shows a request's lifecycle, from its table.

python3 -m scripts.lifecycle
"""

import re
from pathlib import Path

from streamer.lifecycle import TRANSITIONS, Event, diagram

README = Path(__file__).resolve().parents[1] / "streamer" / "README.md"

_SECTION = re.compile(
    r"(?<=<!-- lifecycle: python3 -m scripts.lifecycle -->\n).*?(?=<!-- end -->)", re.DOTALL
)


def section() -> str:
    """Return the diagram, and what each event means."""
    meanings = [f"| `{event}` | {_sources(event)} | {_meaning(event)} |" for event in Event]
    lines = [
        "```mermaid",
        diagram().rstrip(),
        "```",
        "",
        "| Event | from | when |",
        "|---|---|---|",
        *meanings,
    ]
    return "\n".join(lines) + "\n"


def written(readme: str) -> str:
    """Return the README with the section as it is now."""
    return _SECTION.sub(lambda _: section(), readme)


def _sources(event: Event) -> str:
    return ", ".join(source for source, named in TRANSITIONS if named is event)


def _meaning(event: Event) -> str:
    """Return the sentence under an event's name in `lifecycle.py`."""
    source = Path(__file__).resolve().parents[1] / "streamer" / "lifecycle.py"
    found = re.search(rf'    {event} = "{event}"\n    """(.*?)"""', source.read_text(), re.DOTALL)
    if found is None:
        raise ValueError(f"The event {event} has no docstring in lifecycle.py.")
    return " ".join(found.group(1).split())


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
