"""A request as its client sees it: state, attempts, progress, outcome; every message to unfold. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.displays.markup import Markup, element
from emulator.displays.theme import display, head
from emulator.displays.words import brief, compact, count, duration, pretty, whole

MAX_MESSAGES = 200
"""Messages that are listed, the newest. Ours."""

BAR_CHARACTERS = 30
"""Width of the bar in a terminal."""

OUTCOMES = frozenset({"response", "pong", "complete", "error"})

_TONES = {
    "COMPLETED": "emu-good",
    "ANSWERED": "emu-good",
    "PROCESSING": "emu-brand",
    "FAILED": "emu-bad",
    "REFUSED": "emu-bad",
    "UNANSWERED": "emu-bad",
    "CANCELLED": "emu-warn",
    "RETRYING": "emu-warn",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came for the request.

    Attributes:
        at: epoch seconds by the client's clock.
        message: as it crossed the socket, with its `type`.
    """

    at: float
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far one attempt has come."""

    number: int
    percentage: float
    message: str


@dataclass(frozen=True, slots=True)
class RequestView:
    """What is known of a request.

    Attributes:
        arrivals: its messages, oldest first.
        error: the sentence of the error that waiting for it ended with, or None; a message tells more.
    """

    request_id: str
    action: str
    arrivals: tuple[Arrival, ...] = ()
    error: str | None = None

    @property
    def state(self) -> str:
        """Where it stands, as far as its messages say."""
        kinds = [(arrival.message.get("type"), arrival.message) for arrival in self.arrivals]
        for kind, message in reversed(kinds):
            match kind:
                case "complete":
                    return "COMPLETED"
                case "response" | "pong":
                    return "ANSWERED"
                case "error":
                    return _state_of_error(message)
        if self.error is not None:
            return "UNANSWERED"
        if any(kind == "progress" for kind, _ in kinds):
            return "PROCESSING"
        return next((str(m.get("status")) for kind, m in reversed(kinds) if kind == "acknowledgment"), "SENT")

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is to come; messages are listed only then, as each update closes lists."""
        return self.outcome is not None or self.error is not None

    @property
    def outcome(self) -> Mapping[str, Any] | None:
        """The message that ended it, or None."""
        found = [arrival.message for arrival in self.arrivals if arrival.message.get("type") in OUTCOMES]
        return found[-1] if found else None

    @property
    def attempts(self) -> list[Attempt]:
        """How far each attempt has come, oldest first; an attempt that said nothing is unknown."""
        attempts: dict[int, Attempt] = {}
        for arrival in self.arrivals:
            message = arrival.message
            if message.get("type") == "progress":
                number = int(message.get("attempt") or 1)
                percentage = min(100.0, max(0.0, float(message.get("percentage") or 0.0)))
                attempts[number] = Attempt(number, percentage, str(message.get("message") or ""))
        found = [attempts[number] for number in sorted(attempts)]
        if self.state == "COMPLETED" and found:
            found[-1] = Attempt(found[-1].number, 100.0, found[-1].message)
        return found

    @property
    def took_ms(self) -> float:
        """Milliseconds from the first message to the last."""
        return (self.arrivals[-1].at - self.arrivals[0].at) * 1000 if self.arrivals else 0.0


def _state_of_error(message: Mapping[str, Any]) -> str:
    if message.get("sequence") is None:
        return "REFUSED"
    code = (message.get("error") or {}).get("code")
    return "CANCELLED" if code == "CANCELLED" else "FAILED"


def request_html(view: RequestView) -> str:
    """Return the request's display."""
    attempts = view.attempts
    last = len(attempts) - 1
    return display(
        element(
            "div",
            _title(view),
            *(_attempt(view, attempt, is_last=place == last) for place, attempt in enumerate(attempts)),
            _bar(0.0, "", is_waiting=True) if not attempts and view.state in ("SENT", "PENDING") else None,
            _outcome(view),
            _messages(view) if view.arrivals and view.has_ended else None,
            class_="emu-card",
        )
    )


def request_text(view: RequestView) -> str:
    """Return the request for a terminal."""
    lines = [f"{view.action}  {view.state}  {view.request_id}"]
    for attempt in view.attempts:
        filled = round(BAR_CHARACTERS * attempt.percentage / 100)
        bar = "█" * filled + "░" * (BAR_CHARACTERS - filled)
        name = f"attempt {attempt.number}  " if len(view.attempts) > 1 else ""
        lines.append(f"  {name}{bar} {whole(attempt.percentage):>5} %  {brief(attempt.message, 60)}".rstrip())
    outcome = _outcome_words(view)
    if outcome:
        lines.append(f"  {outcome}")
    lines.append(f"  {_so_far(view)}")
    return "\n".join(lines)


def _title(view: RequestView) -> Markup:
    attempts = view.attempts
    facts = [_so_far(view)]
    if attempts:
        facts.insert(0, f"attempt {attempts[-1].number}")
    return head(
        element("b", view.action),
        element("span", view.state, class_=f"emu-state {_TONES.get(view.state, 'emu-dim')}"),
        element("span", view.request_id, class_="emu-mono emu-dim"),
        element("span", ", ".join(facts), class_="emu-dim"),
    )


def _so_far(view: RequestView) -> str:
    messages = count(len(view.arrivals), "message")
    if not view.arrivals:
        return "nothing has arrived yet"
    return messages if len(view.arrivals) == 1 else f"{messages} in {duration(view.took_ms)}"


def _attempt(view: RequestView, attempt: Attempt, *, is_last: bool) -> Markup:
    tone = _TONES.get(view.state, "") if is_last else "emu-bad"
    several = len(view.attempts) > 1
    return element(
        "div",
        element("span", f"attempt {attempt.number}", class_="emu-dim") if several else None,
        _bar(attempt.percentage, tone),
        element("span", f"{whole(attempt.percentage)} %", class_="emu-percent"),
        " ",
        element("span", brief(attempt.message, 120), class_="emu-dim emu-said"),
        class_="emu-line",
    )


def _bar(percentage: float, tone: str, *, is_waiting: bool = False) -> Markup:
    return element(
        "div",
        element("div", style=f"width:{percentage:.2f}%"),
        class_=f"emu-bar {tone}".rstrip(),
        role="progressbar",
        aria_valuemin="0",
        aria_valuemax="100",
        aria_valuenow=None if is_waiting else whole(percentage),
    )


def _outcome(view: RequestView) -> Markup | None:
    outcome = view.outcome
    if outcome is None:
        return None if view.error is None else element("div", view.error, class_="emu-bad")
    if outcome.get("type") == "error":
        error = outcome.get("error") or {}
        details = error.get("details")
        return element(
            "div",
            element("b", error.get("code")),
            " ",
            element("span", error.get("message")),
            element("pre", pretty(details)) if details else None,
            class_="emu-bad",
        )
    if outcome.get("type") == "pong":
        return None
    name, value = _result(outcome)
    return element("details", element("summary", f"The {name}"), element("pre", pretty(value)))


def _result(outcome: Mapping[str, Any]) -> tuple[str, Any]:
    if outcome.get("type") == "response":
        return "answer", outcome.get("data")
    return "result", outcome.get("result")


def _outcome_words(view: RequestView) -> str | None:
    outcome = view.outcome
    if outcome is None:
        return view.error
    if outcome.get("type") == "error":
        error = outcome.get("error") or {}
        return f"✗ {error.get('code')}: {error.get('message')}"
    if outcome.get("type") == "pong":
        return None
    name, value = _result(outcome)
    return f"✓ the {name}: {brief(compact(value), 90)}"


def _messages(view: RequestView) -> Markup:
    shown = view.arrivals[-MAX_MESSAGES:]
    began_at = view.arrivals[0].at
    left_out = len(view.arrivals) - len(shown)
    return element(
        "details",
        element("summary", f"What arrived: {count(len(view.arrivals), 'message')}"),
        element("div", f"The oldest {left_out:,} are left out here.", class_="emu-dim") if left_out else None,
        *(_message(arrival, began_at) for arrival in shown),
    )


def _message(arrival: Arrival, began_at: float) -> Markup:
    message = arrival.message
    sequence = message.get("sequence")
    return element(
        "details",
        element(
            "summary",
            element("span", duration((arrival.at - began_at) * 1000), class_="emu-when"),
            " ",
            element(
                "span",
                message.get("type"),
                class_="emu-bad" if message.get("type") == "error" else "emu-brand",
            ),
            element("span", f" {sequence} " if sequence is not None else " ", class_="emu-dim"),
            element("span", brief(_words(message), 100), class_="emu-dim"),
        ),
        element("pre", pretty(dict(message))),
    )


def _words(message: Mapping[str, Any]) -> str:
    if message.get("type") == "progress":
        return f"{whole(float(message.get('percentage') or 0))} % {message.get('message') or ''}"
    if message.get("type") == "error":
        return str((message.get("error") or {}).get("code"))
    return str(message.get("message") or "")
