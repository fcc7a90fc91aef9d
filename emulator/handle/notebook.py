"""What a sandbox does more inside IPython: shows its start, replaces its predecessor, explains errors."""

import html
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.sandbox import Sandbox

START_STEPS = 4
"""Things that a start reports, its end included; a first start reports more, and the bar then waits."""

_running: dict[str, "Sandbox"] = {}


def shell() -> Any | None:
    """Return IPython's shell, None outside of IPython."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def start_display() -> "StartDisplay | None":
    """Return what shows a start in a notebook or in IPython on a terminal; None elsewhere."""
    found = shell()
    if found is None:
        return None
    return StartDisplay() if hasattr(found, "kernel") else TerminalStartDisplay()


class StartDisplay:
    """One line with a bar, which changes in place."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._step = 0

    def __call__(self, text: str) -> None:
        """Show what happens now."""
        self._step = min(self._step + 1, START_STEPS - 1)
        self._show(text, self._step)

    def end(self, text: str) -> None:
        """Show how it ended."""
        self._show(text, START_STEPS)

    def _show(self, text: str, step: int) -> None:
        from IPython import display

        show: Any = display.display

        bar = f'<progress max="{START_STEPS}" value="{step}" style="width:8em"></progress> '
        bundle = {
            "text/plain": text,
            "text/html": (bar if step < START_STEPS else "") + html.escape(text),
        }
        if self._handle is None:
            self._handle = show(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class TerminalStartDisplay(StartDisplay):
    """A line that spins until the sandbox is ready."""

    def _show(self, text: str, step: int) -> None:
        from rich.console import Console

        if self._handle is None:
            self._handle = Console(stderr=True).status(text)
            self._handle.start()
        self._handle.update(text)
        if step == START_STEPS:
            self._handle.stop()
            self._handle.console.print(text, highlight=False)


async def take_place(sandbox: "Sandbox") -> bool:
    """Let `sandbox` be the one of its name in this notebook; tells whether another one was ended for it."""
    if shell() is None:
        return False
    before = _running.get(sandbox.name)
    _running[sandbox.name] = sandbox
    if before is None or before is sandbox or not before.is_running:
        return False
    await before.stop()
    return True


def leave_place(sandbox: "Sandbox") -> None:
    """Forget a sandbox that ends."""
    if _running.get(sandbox.name) is sandbox:
        del _running[sandbox.name]


def let_breakpoints_stop() -> None:
    """Let `breakpoint()` stop in a kernel, which passes over it unless a debugger is attached."""
    if hasattr(shell(), "kernel") and sys.breakpointhook not in (sys.__breakpointhook__, _stop_here):
        _attached_hook.append(sys.breakpointhook)
        sys.breakpointhook = _stop_here


_attached_hook: list[Any] = []
"""The kernel's own hook, which only knows debuggers that are attached."""


def _stop_here(*args: Any, **options: Any) -> Any:
    debugger = sys.modules.get("debugpy")
    if debugger is not None and debugger.is_client_connected():
        return _attached_hook[-1](*args, **options)
    import pdb  # the kernel has put IPython's debugger there

    return pdb.Pdb().set_trace(sys._getframe(1))


def show_requests(kinds: tuple[type, ...]) -> None:
    """Let a cell that ends with a request show it."""
    from emulator.displays.live import request_display

    formatter = getattr(shell(), "display_formatter", None)
    if formatter is not None:
        for kind in kinds:
            formatter.formatters["text/html"].for_type(kind, request_display)


def explain_errors(kinds: tuple[type[BaseException], ...]) -> None:
    """Let errors of these kinds bring the end of the function's log along, when a cell shows them."""
    found = shell()
    if found is not None and kinds and found.custom_exceptions in ((), kinds):
        found.set_custom_exc(kinds, _show)


def _show(
    found: Any,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    if not getattr(error, "__notes__", None):
        for sandbox in list(_running.values()):
            note = sandbox.explain(error)
            if note is not None:
                error.add_note(note)
                break
    found.showtraceback((kind, error, traceback), tb_offset=tb_offset)
