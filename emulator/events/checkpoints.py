"""How far each shard has been processed: what a poller that starts again continues from."""

import asyncio
import hashlib
import json
import logging
import re
from pathlib import Path
from typing import NamedTuple

from emulator.state import write_private

logger = logging.getLogger(__name__)

WRITE_AFTER_S = 0.2
"""How long changes are gathered before they are written; a process that is killed repeats that much. Ours."""

VERSION = 1
"""Of the file's form; another one is not read. Ours."""


class Place(NamedTuple):
    """Whose progress in which shard."""

    function: str
    stream_arn: str
    shard_id: str


class _Known(NamedTuple):
    sequence_number: str | None = None
    since: float | None = None


_NOTHING = _Known()


class Checkpoints:
    """Keeps the last finished sequence number per place.

    Without a file a checkpoint lives as long as the sandbox, which is as long as the embedded back end
    keeps its streams. With one it outlives both; then changes are written together, the file is replaced
    in one step, and one that cannot be read counts as empty.

    Args:
        path: of the file, or None. With one, it is used from a running event loop.
        write_after_s: seconds for which changes are gathered.
    """

    def __init__(self, path: Path | None = None, *, write_after_s: float = WRITE_AFTER_S) -> None:
        self._path = path
        self._write_after_s = write_after_s
        self._known: dict[Place, _Known] = {}
        self._writing: asyncio.TimerHandle | None = None
        if path is not None:
            self._load(path)

    def find(self, place: Place) -> str | None:
        """Return the sequence number of the last finished record, None where none is."""
        return self._known.get(place, _NOTHING).sequence_number

    def find_since(self, place: Place) -> float | None:
        """Return when a place that starts at the latest record was opened, epoch seconds; None: never."""
        return self._known.get(place, _NOTHING).since

    def knows(self, function: str, stream_arn: str) -> bool:
        """Tell whether the stream was read for the function before."""
        return bool(self._of(function, stream_arn))

    def set(self, place: Place, sequence_number: str) -> None:
        """Note that every record up to `sequence_number` is finished."""
        known = self._known.get(place, _NOTHING)
        self._known[place] = known._replace(sequence_number=sequence_number)
        self._changed()

    def set_since(self, place: Place, opened_at: float) -> None:
        """Note when a place that starts at the latest record was opened.

        Args:
            opened_at: epoch seconds.
        """
        self._known[place] = self._known.get(place, _NOTHING)._replace(since=opened_at)
        self._changed()

    def move(self, function: str, to: str, stream_arn: str) -> None:
        """Make one function's progress in a stream another's."""
        for place in self._of(function, stream_arn):
            self._known[place._replace(function=to)] = self._known.pop(place)
        self._changed()

    def forget(self, function: str, stream_arn: str) -> None:
        """Drop what is known of a function's progress in a stream."""
        for place in self._of(function, stream_arn):
            del self._known[place]
        self._changed()

    def flush(self) -> None:
        """Write what has changed now; nothing where there is no file, or no change."""
        if self._writing is None or self._path is None:
            return
        self._writing.cancel()
        self._writing = None
        try:
            places = [place._asdict() | known._asdict() for place, known in self._known.items()]
            write_private(self._path, json.dumps({"version": VERSION, "places": places}))
        except OSError as error:
            logger.error(
                "Checkpoints cannot be written",
                extra={
                    "action": "stream.checkpoints",
                    "path": str(self._path),
                    "error": str(error.strerror),
                },
            )

    def _changed(self) -> None:
        if self._path is not None and self._writing is None:
            loop = asyncio.get_running_loop()
            self._writing = loop.call_later(self._write_after_s, self.flush)

    def _of(self, function: str, stream_arn: str) -> list[Place]:
        return [place for place in self._known if place[:2] == (function, stream_arn)]

    def _load(self, path: Path) -> None:
        try:
            content = json.loads(path.read_text())
            if content["version"] != VERSION:
                raise ValueError(f"version {content['version']}")
            for entry in content["places"]:
                number, since = entry.pop("sequence_number"), entry.pop("since")
                self._known[Place(**entry)] = _Known(
                    None if number is None else str(number), None if since is None else float(since)
                )
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._known = {}
            logger.warning(
                "Checkpoints cannot be read and count as none",
                extra={"action": "stream.checkpoints", "path": str(path), "error": type(error).__name__},
            )


def checkpoint_path(folder: Path, *, application: str, endpoint_url: str) -> Path:
    """Return the file in `folder` for the checkpoints of one application on one back end.

    Args:
        endpoint_url: of the back end.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", application)
    backend = hashlib.sha256(f"{application}\n{endpoint_url}".encode()).hexdigest()[:12]
    return folder / f"checkpoints-{name}-{backend}.json"
