"""Which installer is used, and what a person is told when one fails; the programs are small stand-ins."""

import sys
from pathlib import Path

import pytest

from emulator.virtual_environment import STAMP, EnvironmentFailed, make

VENV = """#!{python}
import pathlib, shutil, sys
folder = pathlib.Path(sys.argv[3])
(folder / "bin").mkdir(parents=True)
shutil.copy({installed!r}, folder / "bin" / "python")
"""
"""What `-m venv` does, with a stand-in for the environment's Python."""

PYTHON = """#!{python}
import pathlib, shutil, sys
here = pathlib.Path(sys.argv[0]).parent
(here / "calls").open("a").write(" ".join(sys.argv[1:3]) + chr(10))
if {bootstrap!r} in sys.argv:
    if not {has_uv}:
        sys.exit("no matching distribution")
    shutil.copy({uv!r}, here / "uv")
"""
"""Answers `-m pip install` with success, where it is asked for uv with that, or not."""

UV = """#!{python}
import sys
if sys.argv[1] == "pip" and not {works}:
    sys.exit("another index")
"""

FAILS = """#!{python}
import sys
sys.exit({said!r})
"""


def program(path: Path, text: str, **facts: object) -> Path:
    """Write an executable script."""
    path.write_text(text.format(python=sys.executable, **facts))
    path.chmod(0o755)
    return path


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text("thing==1 --hash=sha256:0\n")
    return path


@pytest.mark.parametrize(
    ("has_uv", "works", "told", "by_pip"),
    [(True, True, [], 1), (True, False, ["failed; pip"], 2), (False, True, ["cannot be had"], 2)],
    ids=["uv", "uv fails", "no uv"],
)
def test_pip_does_what_uv_cannot(
    tmp_path: Path, lock: Path, has_uv: bool, works: bool, told: list[str], by_pip: int
) -> None:
    """uv is fetched by pip and installs; where it is not there or fails, pip does, and it is said."""
    bootstrap = tmp_path / "bootstrap.lock"
    bootstrap.touch()
    uv = program(tmp_path / "uv", UV, works=works)
    facts = {"bootstrap": str(bootstrap), "has_uv": has_uv, "uv": str(uv)}
    installed = program(tmp_path / "installed", PYTHON, **facts)
    base = program(tmp_path / "base", VENV, installed=str(installed))
    folder = tmp_path / "made"
    said: list[str] = []
    python = make(folder, lock, report=said.append, bootstrap_lock=bootstrap, base_python=str(base))
    assert python == folder / "bin" / "python"
    assert (folder / STAMP).exists()
    assert (folder / "bin" / "calls").read_text().splitlines() == ["-m pip"] * by_pip
    warnings = [sentence for sentence in said if "quick installer" in sentence]
    assert len(warnings) == len(told)
    assert all(words in sentence for words, sentence in zip(told, warnings, strict=True))


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("certificate verify failed", "set SSL_CERT_FILE"),
        ("Could not resolve host: files", "set HTTPS_PROXY"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "the index of the lock"),
        ("No matching distribution found", "use Python 3.11"),
        ("No space left on device", "Mend what the lines above name"),
    ],
    ids=["certificate", "network", "hash", "version", "other"],
)
def test_what_an_installer_says_decides_the_advice(
    tmp_path: Path, lock: Path, said: str, advice: str
) -> None:
    """The error has the end of the output, and what to do about it."""
    base = program(tmp_path / "base", FAILS, said=said)
    with pytest.raises(EnvironmentFailed, match=advice) as caught:
        make(tmp_path / "made", lock, report=lambda _: None, bootstrap_lock=None, base_python=str(base))
    assert said in str(caught.value)


def test_a_python_that_is_not_there_is_named(tmp_path: Path, lock: Path) -> None:
    """A program that cannot be started is an error of one sentence, not a traceback."""
    missing = str(tmp_path / "python9")
    with pytest.raises(EnvironmentFailed, match="python9 could not be started"):
        make(tmp_path / "made", lock, report=lambda _: None, bootstrap_lock=None, base_python=missing)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, lock: Path) -> None:
    """The error says where, and that another place can be chosen."""
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFailed, match="cannot be written"):
        make(tmp_path / "file" / "made", lock, report=lambda _: None)
