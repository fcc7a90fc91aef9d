"""The folder of one run: what every process finds there, and what they leave."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import coverage

from emulator.localstack import environment as localstack

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
FOLDER = ROOT / ".coverage-run"
PTH = "streamer-coverage.pth"
PACKAGES = ("streamer", "emulator")

WORKERS = ("-n", "2")
"""Of pytest, unless its arguments say another number."""

SETTINGS = """\
[run]
branch = true
include =
    {root}/streamer/*
    {root}/emulator/*
disable_warnings = no-data-collected, module-not-measured, couldnt-parse, trace-changed
[report]
exclude_also =
    if TYPE_CHECKING:
    ^\\s*\\.\\.\\.$
    raise AssertionError
"""
"""Of every process. Bodies of protocols and what cannot be reached are no code that could be run."""


def run_tests(arguments: Sequence[str], *, append: bool) -> int:
    """Run pytest with every process counted; return its exit status.

    Args:
        append: keep what runs before have counted.
    """
    if not append:
        shutil.rmtree(FOLDER, ignore_errors=True)
    with _installed():
        command = [sys.executable, "-m", "pytest", *WORKERS, *arguments]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def combine() -> coverage.Coverage:
    """Return what all processes of all runs have counted; files that were never imported count too."""
    whole = coverage.Coverage(
        data_file=str(FOLDER / "whole"),
        source=[str(ROOT / package) for package in PACKAGES],
        config_file=str(_settings()),
    )
    whole.combine([str(file) for file in (FOLDER / "data").iterdir() if _is_whole(file)], keep=True)
    whole.save()
    return whole


def _is_whole(file: Path) -> bool:
    """Whether a process was not killed before it had written anything."""
    data = coverage.CoverageData(str(file))
    try:
        data.read()
    except coverage.exceptions.DataError:
        return False
    return bool(data.measured_files())


@contextmanager
def _installed() -> Iterator[None]:
    """Have every Python process of both environments counted that starts within the block."""
    (FOLDER / "data").mkdir(parents=True, exist_ok=True)
    _settings()
    shutil.copyfile(HERE / "process.py", FOLDER / "coverage_of_a_process.py")
    library = FOLDER / "coverage"  # LocalStack's environment has none
    if not library.exists():
        library.symlink_to(Path(coverage.__file__).parent)
    start = f"__import__('coverage_of_a_process').start(p, {os.getpid()})"
    line = (
        f"import os, sys; p = {str(FOLDER)!r}; os.path.exists(p + '/settings') and"
        f" (sys.path.append(p), {start}, sys.path.remove(p))\n"
    )
    files = [Path(place) / PTH for place in (sysconfig.get_path("purelib"), _localstack_library())]
    try:
        for file in files:
            file.write_text(line)
        yield
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def _settings() -> Path:
    file = FOLDER / "settings"
    file.write_text(SETTINGS.format(root=ROOT))
    return file


def _localstack_library() -> str:
    python = localstack.make(lambda _: None)
    told = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    return told.stdout.strip()
