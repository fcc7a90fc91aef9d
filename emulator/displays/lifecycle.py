"""A lifecycle drawn from its transition table, whatever the table is. Pure.

States that something leaves stand in a row, by their distance from the first one. A final state is a bar
below all the states that lead to it, so that every arrow to it goes straight down. Final is also what is only
left for the beginning: the bar says by what.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from emulator.displays.markup import Markup, element, join
from emulator.displays.pictures import Drawing, drawing, image, label, tip
from emulator.displays.theme import display

Transitions = Mapping[tuple[str, str], str]
"""`(state, event) -> state`."""

WIDTH = 184.0
HEIGHT = 32.0
COLUMN = 300.0
LEFT = 46.0
FALL = 52.0
"""From the states to the first bar, and from one bar to the next."""

LOOP = 34.0
ARC = 24.0


@dataclass(frozen=True, slots=True)
class Arrow:
    """All events that lead from one state to another."""

    source: str
    target: str
    events: tuple[str, ...]

    @property
    def label(self) -> str:
        """Their names."""
        return ", ".join(self.events)


def lifecycle_html(
    transitions: Transitions, *, initial: str, current: str | None = None, visited: Collection[str] = ()
) -> str:
    """Return the lifecycle's display.

    Args:
        initial: the state in which everything begins.
        current: the state that is marked as the one of now.
        visited: states that were passed; the others are paler. Empty: all are alike.
    """
    picture = draw_lifecycle(transitions, initial=initial, current=current, visited=visited)
    return display(image(picture, alt=lifecycle_text(transitions)))


def draw_lifecycle(
    transitions: Transitions, *, initial: str, current: str | None = None, visited: Collection[str] = ()
) -> Drawing:
    """Draw a lifecycle; see `lifecycle_html`."""
    marked = None if current is None else str(current)
    return _Picture(transitions, str(initial), marked, {str(state) for state in visited}).drawing()


def lifecycle_text(transitions: Transitions) -> str:
    """Return the lifecycle for a terminal: a line per arrow."""
    arrows = arrows_of(transitions)
    width = max((len(arrow.source) for arrow in arrows), default=0)
    wide = max((len(arrow.target) for arrow in arrows), default=0)
    return "\n".join(f"{arrow.source:<{width}} → {arrow.target:<{wide}}  {arrow.label}" for arrow in arrows)


def arrows_of(transitions: Transitions) -> list[Arrow]:
    """Return the arrows, in the table's order."""
    events: dict[tuple[str, str], list[str]] = {}
    for (source, event), target in transitions.items():
        events.setdefault((str(source), str(target)), []).append(str(event))
    return [Arrow(source, target, tuple(names)) for (source, target), names in events.items()]


def in_order(arrows: Sequence[Arrow], initial: str) -> list[str]:
    """Return the states that something leaves for more than `initial`, the nearest to that first."""
    found = [initial]
    for state in found:
        found += dict.fromkeys(a.target for a in arrows if a.source == state and a.target not in found)
    found += dict.fromkeys(arrow.source for arrow in arrows if arrow.source not in found)
    leaving = {arrow.source for arrow in arrows if arrow.target != initial}
    return [state for state in found if state in leaving or state == initial]


class _Picture:
    def __init__(
        self, transitions: Transitions, initial: str, current: str | None, visited: Collection[str]
    ) -> None:
        self.arrows = arrows_of(transitions)
        self.initial, self.current, self.visited = initial, current, visited
        states = in_order(self.arrows, initial)
        self.x = {state: LEFT + COLUMN * place for place, state in enumerate(states)}
        self.back = {arrow.source: arrow.label for arrow in self.arrows if arrow.source not in self.x}
        self.arrows = [arrow for arrow in self.arrows if arrow.source in self.x]
        self.arcs = [a for a in self.arrows if a.target in self.x and abs(self._span(a)) > 1]
        loops = any(arrow.source == arrow.target for arrow in self.arrows)
        self.top = 10 + LOOP * loops + ARC * len(self.arcs)
        sources: dict[str, list[str]] = {}
        for arrow in self.arrows:
            if arrow.target not in self.x:
                sources.setdefault(arrow.target, []).append(arrow.source)
        self.sources = sources
        self.bars = sorted(sources, key=lambda state: self._reach(state)[1] - self._reach(state)[0])
        self.y = {state: self.top + HEIGHT + FALL * (place + 1) for place, state in enumerate(self.bars)}
        self.width = LEFT + COLUMN * (len(states) - 1) + WIDTH + 10
        self.height = self.top + HEIGHT + (FALL * len(self.bars) + HEIGHT if self.bars else 0) + 12

    def _span(self, arrow: Arrow) -> int:
        return round((self.x[arrow.target] - self.x[arrow.source]) / COLUMN)

    def _reach(self, bar: str) -> tuple[float, float]:
        places = [self.x[source] for source in self.sources[bar]]
        return min(places), max(places)

    def drawing(self) -> Drawing:
        x, middle = self.x[self.initial], self.top + HEIGHT / 2
        entry = join(
            element("circle", cx=x - 34, cy=middle, r=5, class_="point"),
            element("line", x1=x - 28, x2=x - 7, y1=middle, y2=middle, class_="arrow"),
            tip(x - 1, middle, 1, 0),
        )
        return drawing(
            entry,
            *(self._bar(state) for state in self.bars),
            *(self._fall(arrow) for arrow in self.arrows if arrow.target in self.y),
            *(self._fall_label(arrow) for arrow in self.arrows if arrow.target in self.y),
            *(self._arrow(arrow) for arrow in self.arrows if arrow.target in self.x),
            *(self._box(state, x, self.top, WIDTH) for state, x in self.x.items()),
            width=self.width,
            height=self.height,
        )

    def _bar(self, state: str) -> Markup:
        left, right = self._reach(state)
        if left == right and len(self._falls(self.sources[state][0])) > 2:
            return self._box(state, left + WIDTH * 0.28, self.y[state], WIDTH * 0.44, is_final=True)
        return self._box(state, left, self.y[state], right - left + WIDTH, is_final=True)

    def _box(self, state: str, x: float, y: float, width: float, *, is_final: bool = False) -> Markup:
        is_pale = bool(self.visited) and state not in self.visited and state != self.current
        class_ = "box now" if state == self.current else "box"
        inner = None
        if is_final:
            inner = element("rect", x=x + 3, y=y + 3, width=width - 6, height=HEIGHT - 6, rx=10, class_="box")
        text = f"{state} ({self.back[state]}: {self.initial})" if state in self.back else state
        name = label(text, x + width / 2, y + HEIGHT / 2 + 4, "middle", "name")
        frame = element("rect", x=x, y=y, width=width, height=HEIGHT, rx=13, class_=class_)
        return element("g", frame, inner, name, class_="pale" if is_pale else None)

    def _falls(self, source: str) -> list[str]:
        """Return the bars that a state leads to from left to right: the nearest bar in the middle."""
        targets = sorted(
            (arrow.target for arrow in self.arrows if arrow.source == source and arrow.target in self.y),
            key=lambda bar: self.y[bar],
        )
        places: list[str] = []
        for place, target in enumerate(targets):
            places.insert(len(places) if place % 2 else 0, target)
        return places

    def _fall_x(self, arrow: Arrow) -> float:
        places = self._falls(arrow.source)
        return self.x[arrow.source] + WIDTH * (places.index(arrow.target) + 1) / (len(places) + 1)

    def _fall(self, arrow: Arrow) -> Markup:
        x, end = self._fall_x(arrow), self.y[arrow.target] - 1
        line = element("line", x1=x, x2=x, y1=self.top + HEIGHT, y2=end - 7, class_="arrow")
        return join(line, tip(x, end, 0, 1))

    def _fall_label(self, arrow: Arrow) -> Markup:
        return _label(arrow.label, self._fall_x(arrow), self.y[arrow.target] - 13)

    def _arrow(self, arrow: Arrow) -> Markup:
        if arrow.source == arrow.target:
            return self._loop(arrow)
        return self._beside(arrow) if abs(self._span(arrow)) == 1 else self._over(arrow)

    def _loop(self, arrow: Arrow) -> Markup:
        middle, y = self.x[arrow.source] + WIDTH / 2, self.top
        path = f"M{middle - 16:.0f} {y:.0f}C{middle - 26:.0f} {y - 28:.0f} {middle + 26:.0f} {y - 28:.0f} "
        path += f"{middle + 16:.0f} {y - 6:.0f}"
        return _drawn(arrow, path, tip(middle + 15, y - 1, 0, 1), middle, y - 25)

    def _beside(self, arrow: Arrow) -> Markup:
        """Draw an arrow to a neighbour: forth in the upper half of the boxes, back in the lower half."""
        ahead = self._span(arrow)
        start = self.x[arrow.source] + (WIDTH if ahead > 0 else 0)
        end = self.x[arrow.target] - 1 if ahead > 0 else self.x[arrow.target] + WIDTH + 1
        y = self.top + HEIGHT * (0.3 if ahead > 0 else 0.72)
        path = f"M{start:.0f} {y:.0f}L{end - 7 * ahead:.0f} {y:.0f}"
        return _drawn(arrow, path, tip(end, y, ahead, 0), (start + end) / 2, y + (-6 if ahead > 0 else 14))

    def _over(self, arrow: Arrow) -> Markup:
        """Draw an arrow over several columns in a lane of its own above all states."""
        lane = self.arcs.index(arrow)
        y, ahead = 16 + ARC * lane, 1 if self._span(arrow) > 0 else -1
        start = self.x[arrow.source] + WIDTH / 2 - 14 * (lane + 1) * ahead
        end = self.x[arrow.target] + WIDTH / 2 + 14 * (lane + 1) * ahead
        path = (
            f"M{start:.0f} {self.top:.0f}L{start:.0f} {y + 10:.0f}"
            f"Q{start:.0f} {y:.0f} {start + 10 * ahead:.0f} {y:.0f}L{end - 10 * ahead:.0f} {y:.0f}"
            f"Q{end:.0f} {y:.0f} {end:.0f} {y + 10:.0f}L{end:.0f} {self.top - 7:.0f}"
        )
        return _drawn(arrow, path, tip(end, self.top - 1, 0, 1), (start + end) / 2, y + 4)


def _drawn(arrow: Arrow, path: str, head: Markup, x: float, y: float) -> Markup:
    return join(element("path", d=path, class_="arrow"), head, _label(arrow.label, x, y))


def _label(text: str, x: float, y: float) -> Markup:
    return label(text, x, y, "middle", "halo tiny")
