"""The emulator process: puts the parts together, runs until its parent or a signal ends it.

Started by `Sandbox` as `python -m emulator.server`. The first line of standard input is the
configuration as JSON; its end means that the parent is gone. Every line of standard output is one
event as JSON: `progress`, `serving`, `ready`, `failed`.
"""

import asyncio
import gc
import json
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from emulator import state as states
from emulator.applications.source import ApplicationSource, load
from emulator.errors import EmulatorError, StartFailed
from emulator.localstack.process import LocalStack
from emulator.state import State
from emulator.telemetry.log_lines import LineFormatter

if TYPE_CHECKING:
    from emulator.running import Running

GIVEN_UP = 130
"""Exit status of an emulator that was ended before it was ready."""

NAME_INTERVAL_S = 0.5
"""Between two looks whether another sandbox has taken the name along when it ended. Ours."""


class Reporter:
    """Tells the parent what happens, and since when."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self.began = time.monotonic()
        self.parts: dict[str, float] = {}

    def progress(self, text: str) -> None:
        """Say in words what happens now."""
        self._send({"event": "progress", "text": text})

    def timed(self, part: str) -> None:
        """Note that `part` of the start is done."""
        self.parts[part] = round(time.monotonic() - self.began, 3)

    def serving(self, state: State) -> None:
        """Say that the control API answers, before the functions start."""
        self._send({"event": "serving", "state": asdict(state)})

    def ready(self, state: State) -> None:
        self._send({"event": "ready", "state": asdict(state)})

    def failed(self, message: str) -> None:
        self._send({"event": "failed", "message": message})

    def _send(self, event: dict[str, Any]) -> None:
        self._write(json.dumps(event) + "\n")


async def _parent_gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    return reader


async def _wait_for_end(running: "Running", reader: asyncio.StreamReader, stop: asyncio.Event) -> str | None:
    """Wait for a reason to end; returns a failure's message, None for an orderly end."""
    reasons = {
        asyncio.create_task(_parent_gone(reader), name="parent"): "parent",
        asyncio.create_task(stop.wait(), name="signal"): "signal",
        asyncio.create_task(running.backend_failed(), name="backend"): "backend",
    }
    done, pending = await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        if reasons[task] == "backend":
            return str(task.result())
    return None


async def _unless_over(
    starting: Coroutine[Any, Any, "Running"], reader: asyncio.StreamReader, stop: asyncio.Event
) -> "Running | None":
    """Return what starts; None, and the start is given up, when the parent or a signal ends it first."""
    start_task = asyncio.ensure_future(starting)
    ends = [asyncio.ensure_future(_parent_gone(reader)), asyncio.ensure_future(stop.wait())]
    try:
        await asyncio.wait({start_task, *ends}, return_when=asyncio.FIRST_COMPLETED)
        return start_task.result() if start_task.done() else None
    finally:
        for task in (start_task, *ends):
            task.cancel()
        await asyncio.gather(start_task, *ends, return_exceptions=True)


async def _start(
    source: ApplicationSource,
    configuration: dict[str, Any],
    run_folder: Path,
    reporter: Reporter,
    stack: AsyncExitStack,
) -> "Running":
    """Start every part. LocalStack, which takes longest, begins while the others are still imported."""
    aws_endpoint: str | None = configuration["aws_endpoint"]
    localstack = None if aws_endpoint else LocalStack(run_folder, reporter.progress)
    reporter.progress("Starting LocalStack." if localstack else f"Using the back end at {aws_endpoint}.")
    loading = asyncio.to_thread(_load_parts)
    if localstack is None:
        start = await loading
    else:
        stack.push_async_callback(localstack.stop)
        start, _ = await asyncio.gather(loading, localstack.launch())
    reporter.timed("launched")
    return await start(
        source,
        run_folder=run_folder,
        localstack=localstack,
        aws_endpoint=aws_endpoint,
        port=configuration["port"],
        settings=configuration["settings"],
        secret=secrets.token_urlsafe(32),
        progress=reporter.progress,
        timed=reporter.timed,
        serving=reporter.serving,
        inline_pid=configuration.get("inline_pid"),
        stack=stack,
    )


def _load_parts() -> "Callable[..., Coroutine[Any, Any, Running]]":
    from emulator.running import start  # takes half a second

    return start


async def serve(reporter: Reporter, run_folder: Path) -> int:
    """Run the emulator; returns the process's exit status."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    reader = await _standard_input()
    configuration = json.loads(await reader.readline())
    source = load(configuration["application"], configuration["options"])
    try:
        async with AsyncExitStack() as stack:
            starting = _start(source, configuration, run_folder, reporter, stack)
            running = await _unless_over(starting, reader, stop)
            if running is None:
                return GIVEN_UP
            state = running.state(reporter.parts)
            if configuration["named"]:
                other = states.find(states.state_path())
                if other is not None:
                    reporter.progress(
                        f"Another sandbox runs (process {other.pid}); from now on other commands find this"
                        " one. Give each its own STREAMER_SANDBOX_STATE and STREAMER_DEPLOYMENT."
                    )
                stack.callback(states.remove, states.state_path(), state.pid)
                _name(source, state)
                stack.callback(source.stopped, state)
                running.clock.listen(lambda: _name_again(source, running.state(reporter.parts)))
                naming = asyncio.create_task(_stay_named(source, lambda: running.state(reporter.parts)))
                stack.callback(naming.cancel)
            gc.collect()
            gc.freeze()  # what the start made stays: the collector need not look at it again
            reporter.ready(state)
            failure = await _wait_for_end(running, reader, stop)
            if failure is not None:
                reporter.failed(failure)
                return 1
    except EmulatorError as error:
        reporter.failed(str(error))
        return 1
    return 0


def _name_again(source: ApplicationSource, state: State) -> None:
    """Tell the new time, unless another sandbox is the one that is named now."""
    named = states.find(states.state_path())
    if named is not None and named.pid == state.pid:
        _name(source, state)


async def _stay_named(source: ApplicationSource, describe: Callable[[], State]) -> None:
    """Name this sandbox again when another one took the name and has ended, however it ended."""
    while True:
        await asyncio.sleep(NAME_INTERVAL_S)
        if states.find(states.state_path()) is None:
            with suppress(StartFailed):  # it may be possible the next time
                _name(source, describe())


def _name(source: ApplicationSource, state: State) -> None:
    """Let the other commands find this sandbox. Raises StartFailed."""
    states.save(state, states.state_path())
    try:
        source.started(state)
    except OSError as error:
        raise StartFailed(
            f"The application cannot note where it runs: {error.filename}: {error.strerror};"
            " name another place with its own variable, STREAMER_DEPLOYMENT for Streamer."
        ) from error


def main() -> int:
    """Run as a process of its own."""
    try:
        run_folder = states.make_run_folder(os.getpid())
    except StartFailed as error:
        Reporter(sys.stdout.write).failed(str(error))
        return 1
    handler = logging.FileHandler(run_folder / "emulator.log")
    handler.setFormatter(LineFormatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    # Standard output is for events alone: whatever else prints goes to the log.
    events = os.fdopen(os.dup(1), "w", buffering=1)
    log = os.open(run_folder / "emulator.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    reporter = Reporter(events.write)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            status = runner.run(serve(reporter, run_folder))
            if status == GIVEN_UP:
                # A thread may still be at work, making LocalStack's environment say: nobody waits for it.
                shutil.rmtree(run_folder, ignore_errors=True)
                os._exit(status)
            return status
    except BrokenPipeError:
        return 1  # the parent is gone and so is whoever would read the reason
    except Exception as error:
        logging.getLogger(__name__).exception("The emulator failed")
        reporter.failed(f"The emulator failed: {error!r}. Its log said:\n{_tail(run_folder)}")
        return 1
    finally:
        shutil.rmtree(run_folder, ignore_errors=True)


def _tail(run_folder: Path, lines: int = 15) -> str:
    return "\n".join((run_folder / "emulator.log").read_text(errors="replace").splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main())
