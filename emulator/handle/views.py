"""What a sandbox returns to people who look: plain lists that also know how to show themselves."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from emulator.handle.explaining import json_line

Entry = Mapping[str, Any]


class _View(list[dict[str, Any]]):
    """A list whose text is for reading; `list(view)` has none of this."""

    def __str__(self) -> str:
        return self._text()

    def __repr__(self) -> str:
        return self._text()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show it in IPython on a terminal."""
        printer.text(self._text())

    def _text(self) -> str:
        raise NotImplementedError


class Rows(_View):
    """A table's items, each a dict of plain values; `pandas.DataFrame(rows)` takes them.

    Attributes:
        title: what they are.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], *, title: str = "") -> None:
        super().__init__(rows)
        self.title = title

    def _text(self) -> str:
        from emulator.displays.tables import rows_text

        return rows_text(self, title=self.title)

    def _repr_html_(self) -> str:
        from emulator.displays.tables import rows_html

        return rows_html(self, title=self.title)


class Invocations(_View):
    """Invocations of one function, oldest first.

    Shape:
        `{"function", "request_id", "started_at", "duration_ms", "function_error", "event", "response"}`.
    """

    def _text(self) -> str:
        from emulator.displays.tables import events_text

        return events_text(self)

    def _repr_html_(self) -> str:
        from emulator.displays.tables import events_html

        return events_html(self)


class Logs(_View):
    """What a function wrote, one log per invocation, oldest first.

    Shape:
        `{"function", "request_id", "started_at", "cold", "pid", "duration_ms", "function_error", "log"}`.
    """

    @property
    def records(self) -> list[dict[str, Any]]:
        """The lines that are JSON objects, one after the other: what the function itself has logged."""
        lines = (json_line(line) for log in self for line in log["log"].splitlines())
        return [line for line in lines if line is not None]

    def _text(self) -> str:
        return "\n".join(str(log["log"]).rstrip() for log in self)


class Faults(_View):
    """The declared faults.

    Shape:
        `{"id", "kind", "where", "probability", "times", "skip", "delay_s", "code", "seed", "struck"}`.
    """

    def _text(self) -> str:
        from emulator.displays.tables import rows_text

        return rows_text(self, title="Faults")

    def _repr_html_(self) -> str:
        from emulator.displays.tables import rows_html

        return rows_html(self, title="Faults")


class Lifecycle(dict[tuple[str, str], str]):
    """A lifecycle as a table: `{(state, event): state}`.

    Attributes:
        initial: the state in which everything begins.
        current: the state that is marked, None for none.
        visited: states that were passed; empty: all look alike.
    """

    def __init__(
        self,
        transitions: Mapping[tuple[str, str], str],
        *,
        initial: str,
        current: str | None = None,
        visited: Collection[str] = (),
    ) -> None:
        super().__init__(transitions)
        self.initial = initial
        self.current = current
        self.visited = visited

    def __str__(self) -> str:
        from emulator.displays.lifecycle import lifecycle_text

        return lifecycle_text(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show it in IPython on a terminal."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from emulator.displays.lifecycle import lifecycle_html

        return lifecycle_html(self, initial=self.initial, current=self.current, visited=self.visited)


class Timeline(_View):
    """What happened, oldest first: `{"sequence", "at", "kind", "facts"}`.

    Attributes:
        of: the request that it was filtered by, None for everything.
        invocations: the events and responses of the invocations in it, as far as they are kept.
    """

    def __init__(
        self,
        entries: Iterable[dict[str, Any]],
        *,
        of: str | None = None,
        invocations: Iterable[Entry] = (),
    ) -> None:
        super().__init__(entries)
        self.of = of
        self.invocations = list(invocations)

    def _text(self) -> str:
        from emulator.displays.timeline import timeline_text

        return timeline_text(self, of=self.of)

    def _repr_html_(self) -> str:
        from emulator.displays.timeline import timeline_html

        return timeline_html(self, of=self.of, invocations=self.invocations)
