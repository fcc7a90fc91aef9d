"""A sequence diagram as SVG: a row per step, whatever time passed, with the time beside it. Pure."""

from collections.abc import Iterable

from emulator.displays.diagram import Diagram, Step, Tone, Work
from emulator.displays.folding import Row, fold
from emulator.displays.markup import Markup, element, join
from emulator.displays.pictures import Drawing, drawing, label, tip
from emulator.displays.words import brief, duration

ROW = 25.0
TOP = 42.0
AXIS = 76.0
MARGIN = 58.0
NOTE_ROOM = 140.0
"""Right of the last lane, for its notes."""

PAUSE_MS = 100.0
"""From this gap on the axis shows a pause between two rows. What a person begins to notice."""

PAUSE_ROOM = 16.0
CHARACTER = 6.1
NAME_CHARACTER = 6.5
"""Mean widths of a character of the labels and of the lanes' names; SVG does not measure."""

FOOT_FROM_ROWS = 24
"""Rows from which the lanes' names are repeated below."""


def draw(diagram: Diagram) -> Drawing:
    """Draw a diagram."""
    return _Picture(diagram).drawing()


class _Picture:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.rows = fold(diagram.steps)
        self.began_at = diagram.steps[0].at if diagram.steps else 0.0
        gap = 142.0 if len(diagram.lanes) <= 5 else 124.0 if len(diagram.lanes) == 6 else 112.0
        self.x = {lane.name: AXIS + MARGIN + gap * place for place, lane in enumerate(diagram.lanes)}
        self.gap = gap
        self.last_x = max(self.x.values(), default=AXIS)
        self.width = self.last_x + (NOTE_ROOM if self._ends_with_notes() else max(MARGIN, gap / 2))
        self.y: dict[int, float] = {}
        self.pauses: list[tuple[float, float]] = []
        self.depths = _depths(diagram.works)
        self.bottom = self._place_rows()

    def _ends_with_notes(self) -> bool:
        last = self.diagram.lanes[-1].name if self.diagram.lanes else ""
        return any(row.step.is_note and row.step.source == last for row in self.rows)

    def _place_rows(self) -> float:
        y, before = TOP, self.began_at
        for row in self.rows:
            gap_ms = (row.step.at - before) * 1000
            if gap_ms >= PAUSE_MS and not row.step.is_derived and not row.hidden:
                self.pauses.append((y + ROW / 2 + PAUSE_ROOM / 2 - 4, gap_ms))
                y += PAUSE_ROOM
            y += ROW
            self.y |= dict.fromkeys(row.numbers, y)
            if not row.hidden:
                before = max(before, row.step.at)
        return y + ROW * 0.8

    def drawing(self) -> Drawing:
        has_foot = len(self.rows) >= FOOT_FROM_ROWS
        height = self.bottom + (34 if has_foot else 6)
        return drawing(
            *(self._lane(self.x[lane.name], lane.label, has_foot=has_foot) for lane in self.diagram.lanes),
            *(self._work(work) for work in self.diagram.works),
            *(self._pause(y, gap_ms) for y, gap_ms in self.pauses),
            *(self._row(row) for row in self.rows),
            width=self.width,
            height=height,
        )

    def _lane(self, x: float, name: str, *, has_foot: bool) -> Markup:
        line = element("line", x1=x, x2=x, y1=30.0, y2=self.bottom, class_="life")
        foot = self._head(x, name, self.bottom) if has_foot else None
        return join(line, self._head(x, name, 6.0), foot)

    def _head(self, x: float, name: str, y: float) -> Markup:
        width = self.gap - 10
        text = brief(name, int((width - 8) / NAME_CHARACTER))
        box = element("rect", x=x - width / 2, y=y, width=width, height=24, rx=5, class_="box")
        return join(box, label(text, x, y + 16, "middle", "name"))

    def _work(self, work: Work) -> Markup | None:
        if work.first not in self.y:
            return None
        top = self.y[work.first]
        bottom = self.y.get(work.last, self.bottom) if work.last is not None else self.bottom
        x = self.x[work.lane] - 5 + 6 * (self.depths[work.first] % 4)
        class_ = "work bad" if work.has_failed else "work"
        height = max(bottom - top, 6)
        return element("rect", x=x, y=top, width=10, height=height, rx=2, class_=class_)

    def _pause(self, y: float, gap_ms: float) -> Markup:
        zigzag = f"M{AXIS - 14:.0f} {y - 7:.0f}l4 3l-8 4l8 4l-4 3"
        text = label(f"+{duration(gap_ms)}", AXIS - 26, y + 4, "end", "dim tiny")
        return join(element("path", d=zigzag, class_="arrow dim"), text)

    def _row(self, row: Row) -> Markup:
        step, y = row.step, self.y[row.numbers[0]]
        if row.hidden:
            middle = (self.x[step.source] + self.x[step.target]) / 2
            x = self._label_x(step, self.x[step.source], self.x[step.target]) if step.via else middle
            return label(f"⋮ {row.hidden:,} more", x, y - 5, "middle", "dim halo")
        content = self._note(step, y) if step.is_note else self._arrow(step, y)
        when = None if step.is_derived else self._when(step, y)
        tone = str(step.tone) or ("dim" if step.is_derived else None)
        return element("g", when, content, class_=tone)

    def _when(self, step: Step, y: float) -> Markup:
        text = duration((step.at - self.began_at) * 1000)
        return label(text, AXIS - 8, y + 4, "end", "dim tiny")

    def _note(self, step: Step, y: float) -> Markup:
        x = self.x[step.source]
        most = int((self.width - x - 11) / CHARACTER)
        text = label(brief(step.label, most), x + 11, y + 4, "start", f"halo {step.tone}".rstrip())
        return join(element("circle", cx=x, cy=y, r=3.5, class_="point"), text)

    def _arrow(self, step: Step, y: float) -> Markup:
        start, end = self.x[step.source], self.x[step.target]
        ahead = 1 if end > start else -1
        start, end = start + 6 * ahead, end - 6 * ahead
        is_dashed = step.is_return or step.is_derived
        class_ = "arrow dashed" if is_dashed else "arrow"
        most = max(int(abs(end - start) / CHARACTER), 18)
        tone = "dim" if is_dashed and step.tone is Tone.PLAIN else str(step.tone)
        text, x = _fitting(step.label, most), self._label_x(step, start, end)
        return join(
            element("line", x1=start, x2=end - 6 * ahead, y1=y, y2=y, class_=class_),
            tip(end, y, ahead),
            element("circle", cx=self.x[step.via], cy=y, r=3, class_="point") if step.via else None,
            label(text, x, y - 5, "middle", f"halo {tone}".rstrip()),
        )

    def _label_x(self, step: Step, start: float, end: float) -> float:
        """Return where an arrow's label stands: in the middle, or beside the gateway if it passes that."""
        if step.via in self.x:
            start = self.x[step.via]
            return start + (self.gap / 2 if self.x[step.source] > start else -self.gap / 2)
        return (start + end) / 2


def _depths(works: Iterable[Work]) -> dict[int, int]:
    """Return by each invocation's first step how many of its lane began before it and still run then.

    Args:
        works: in the order in which they began.
    """
    running: dict[str, list[Work]] = {}
    depths = {}
    for work in works:
        earlier = [one for one in running.get(work.lane, ()) if one.last is None or one.last > work.first]
        depths[work.first] = len(earlier)
        running[work.lane] = [*earlier, work]
    return depths


def _fitting(label: str, most: int) -> str:
    """Return a label without what comes after its comma where that does not fit."""
    return label if len(label) <= most else brief(label.partition(",")[0], most)
