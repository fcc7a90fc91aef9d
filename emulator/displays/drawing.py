"""A sequence diagram as SVG: a row per step, whatever time passed, with the time beside it. Pure."""

from emulator.displays.folding import Row, fold
from emulator.displays.markup import Markup, element, join
from emulator.displays.sequence import Diagram, Step, Tone, Work
from emulator.displays.words import brief, duration

ROW = 25.0
TOP = 42.0
AXIS = 76.0
MARGIN = 58.0
NOTE_ROOM = 132.0
"""Right of the last lane, for its notes."""

PAUSE_MS = 100.0
"""From this gap on the axis shows a pause between two rows. What a person begins to notice."""

PAUSE_ROOM = 16.0
CHARACTER = 6.1
"""Mean width of a character of the labels; SVG does not wrap or measure text by itself."""

FOOT_FROM_ROWS = 24
"""Rows from which the lanes' names are repeated below."""


def draw(diagram: Diagram) -> Markup:
    """Return the diagram as an `<svg>` of its natural size; the page around it scrolls."""
    picture = _Picture(diagram)
    return picture.svg()


class _Picture:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.rows = fold(diagram.steps)
        self.began_at = diagram.steps[0].at if diagram.steps else 0.0
        gap = 142.0 if len(diagram.lanes) <= 5 else 124.0 if len(diagram.lanes) == 6 else 112.0
        self.x = {lane.name: AXIS + MARGIN + gap * place for place, lane in enumerate(diagram.lanes)}
        self.gap = gap
        self.last_x = max(self.x.values(), default=AXIS)
        self.width = self.last_x + (NOTE_ROOM if self._ends_with_notes() else MARGIN)
        self.y: dict[int, float] = {}
        self.pauses: list[tuple[float, float]] = []
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

    def svg(self) -> Markup:
        has_foot = len(self.rows) >= FOOT_FROM_ROWS
        height = self.bottom + (34 if has_foot else 6)
        return element(
            "svg",
            element("title", "Sequence diagram of what happened"),
            *(self._lane(lane.name, lane.label, has_foot=has_foot) for lane in self.diagram.lanes),
            *(self._work(work) for work in self.diagram.works),
            *(self._pause(y, gap_ms) for y, gap_ms in self.pauses),
            *(self._row(row) for row in self.rows),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {self.width:.0f} {height:.0f}",
            width=self.width,
            height=height,
            role="img",
        )

    def _lane(self, name: str, label: str, *, has_foot: bool) -> Markup:
        x = self.x[name]
        line = element("line", x1=x, x2=x, y1=30.0, y2=self.bottom, class_="emu-life")
        heads = [self._head(x, name, label, 6.0)]
        if has_foot:
            heads.append(self._head(x, name, label, self.bottom))
        return join(line, *heads)

    def _head(self, x: float, name: str, label: str, y: float) -> Markup:
        width = self.gap - 10
        text = brief(label, int((width - 8) / 6.5))
        return element(
            "g",
            element("title", name),
            element("rect", x=x - width / 2, y=y, width=width, height=24, rx=5, class_="emu-box"),
            element("text", text, x=x, y=y + 16, text_anchor="middle", class_="emu-name"),
        )

    def _work(self, work: Work) -> Markup | None:
        if work.first not in self.y:
            return None
        top = self.y[work.first]
        bottom = self.y.get(work.last, self.bottom) if work.last is not None else self.bottom
        overlapping = [
            other
            for other in self.diagram.works
            if other.lane == work.lane
            and other.first < work.first
            and (other.last is None or other.last > work.first)
        ]
        x = self.x[work.lane] - 5 + 6 * (len(overlapping) % 4)
        class_ = "emu-work emu-bad" if work.has_failed else "emu-work"
        height = max(bottom - top, 6)
        return element("rect", x=x, y=top, width=10, height=height, rx=2, class_=class_)

    def _pause(self, y: float, gap_ms: float) -> Markup:
        zigzag = f"M{AXIS - 14:.0f} {y - 7:.0f}l4 3l-8 4l8 4l-4 3"
        return join(
            element("path", d=zigzag, class_="emu-arrow emu-dim", stroke="currentColor", fill="none"),
            element(
                "text",
                f"+{duration(gap_ms)}",
                x=AXIS - 26,
                y=y + 4,
                text_anchor="end",
                class_="emu-dim emu-tiny",
            ),
        )

    def _row(self, row: Row) -> Markup:
        step, y = row.step, self.y[row.numbers[0]]
        if row.hidden:
            middle = (self.x[step.source] + self.x[step.target]) / 2
            x = self._label_x(step, self.x[step.source], self.x[step.target]) if step.via else middle
            return _text(f"⋮ {row.hidden:,} more", x, y - 5, "middle", "emu-dim emu-halo")
        content = self._note(step, y) if step.is_note else self._arrow(step, y)
        when = None if step.is_derived else self._when(step, y)
        tone = f"emu-{step.tone}" if step.tone else "emu-dim" if step.is_derived else "emu-ink"
        return element(
            "g", element("title", f"{step.source} → {step.target}: {step.label}"), when, content, class_=tone
        )

    def _when(self, step: Step, y: float) -> Markup:
        text = duration((step.at - self.began_at) * 1000)
        return _text(text, AXIS - 8, y + 4, "end", "emu-dim emu-tiny")

    def _note(self, step: Step, y: float) -> Markup:
        x = self.x[step.source]
        class_ = f"emu-halo emu-{step.tone}" if step.tone else "emu-halo"
        room = self.width - x - 20
        return join(
            element("circle", cx=x, cy=y, r=3.5, class_="emu-point"),
            _text(brief(step.label, int(room / CHARACTER)), x + 11, y + 4, "start", class_),
        )

    def _arrow(self, step: Step, y: float) -> Markup:
        start, end = self.x[step.source], self.x[step.target]
        ahead = 1 if end > start else -1
        start, end = start + 6 * ahead, end - 6 * ahead
        is_dashed = step.is_return or step.is_derived
        tip = f"{end:.0f},{y:.0f} {end - 8 * ahead:.0f},{y - 4:.0f} {end - 8 * ahead:.0f},{y + 4:.0f}"
        via = None
        if step.via in self.x:
            via = element("circle", cx=self.x[step.via], cy=y, r=3, class_="emu-point")
        most = max(int(abs(end - start) / CHARACTER), 18)
        class_ = f"emu-halo emu-{step.tone}" if step.tone not in (Tone.PLAIN, Tone.DIM) else "emu-halo"
        if step.is_return or step.is_derived:
            class_ = f"{class_} emu-dim" if step.tone is Tone.PLAIN else class_
        return join(
            element(
                "line",
                x1=start,
                x2=end - 6 * ahead,
                y1=y,
                y2=y,
                class_="emu-arrow",
                stroke="currentColor",
                stroke_dasharray="5 3" if is_dashed else None,
            ),
            element("polygon", points=tip, class_="emu-point"),
            via,
            _text(_fitting(step.label, most), self._label_x(step, start, end), y - 5, "middle", class_),
        )

    def _label_x(self, step: Step, start: float, end: float) -> float:
        """Return where an arrow's label stands: in the middle, or beside the gateway if it passes that."""
        if step.via in self.x:
            start = self.x[step.via]
            return start + (self.gap / 2 if self.x[step.source] > start else -self.gap / 2)
        return (start + end) / 2


def _text(text: str, x: float, y: float, anchor: str, class_: str) -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=class_)


def _fitting(label: str, most: int) -> str:
    """Return a label without what comes after its comma where that does not fit."""
    return label if len(label) <= most else brief(label.partition(",")[0], most)
