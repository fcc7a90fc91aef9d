"""How the demo speaks: steps, messages on the wire, progress bars, tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from emulator.texts import cut

MAX_MESSAGE_WIDTH = 160
"""Characters of a message that are shown."""


def shortened(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message without what a reader does not need: the rest of its id, and its time."""
    shown = {name: value for name, value in message.items() if name != "timestamp"}
    if isinstance(shown.get("request_id"), str):
        shown["request_id"] = f"{shown['request_id'][:4]}…"
    return shown


class Transcript:
    """Prints the demo, step by step."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._step = 0

    def progress(self, text: str) -> None:
        """Say what happens while nothing is to be seen."""
        self.console.print(Text(f"· {text}", style="dim"))

    def step(self, title: str, explanation: str = "") -> None:
        """Begin a step."""
        self._step += 1
        self.console.print()
        self.console.print(Text.assemble((f"{self._step}. {title}", "bold cyan")))
        if explanation:
            self.console.print(Padding(Text(explanation, style="dim"), (0, 0, 0, 3)))

    def sent(self, message: Mapping[str, Any]) -> None:
        """Show a message that the client sends."""
        self._wire("→", "green", message)

    def received(self, message: Mapping[str, Any]) -> None:
        """Show a message that the client got."""
        self._wire("←", "yellow", message)

    def _wire(self, arrow: str, style: str, message: Mapping[str, Any]) -> None:
        text = cut(json.dumps(shortened(message), ensure_ascii=False), MAX_MESSAGE_WIDTH)
        self.console.print(Text.assemble((f"   {arrow} ", style), text), soft_wrap=True)

    def check(self, sentence: str, *, passed: bool) -> None:
        """Show whether something was as it should be."""
        mark = ("✓", "bold green") if passed else ("✗", "bold red")
        self.console.print(Padding(Text.assemble(mark, f" {sentence}"), (0, 0, 0, 3)))

    @contextmanager
    def bar(self, description: str) -> Iterator["Bar"]:
        """Show a progress bar while the block runs."""
        with Progress(
            TextColumn("   {task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[message]}"),
            console=self.console,
        ) as progress:
            yield Bar(progress, progress.add_task(description, total=100, message=""))

    def table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table, numbers to the right."""
        table = Table(title=title, title_justify="left", box=None, pad_edge=True)
        for index, heading in enumerate(headings):
            table.add_column(heading, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)


class Bar:
    """One progress bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def update(self, percentage: float, message: str) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=percentage, message=message)
