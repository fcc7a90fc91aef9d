"""Where the sandbox finds an application: a module of the emulator, any module, a file."""

from pathlib import Path

import pytest

from emulator.applications.source import load
from emulator.errors import InvalidApplication

MODULE = """
class Source:
    def __init__(self, *, word="none"):
        self.word = word
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on `sys.path` with a package that has an application."""
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package" / "mine.py").write_text(MODULE)
    (tmp_path / "some_package" / "broken.py").write_text("import no_such_module_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_dotted_name_is_a_module(folder: Path) -> None:
    """A name with a dot is a module that can be imported; it gets the options."""
    assert vars(load("some_package.mine", {"word": "hello"})) == {"word": "hello"}


def test_absolute_path_is_a_file(folder: Path) -> None:
    """An absolute path is a Python file."""
    assert vars(load(str(folder / "some_package" / "mine.py"), {})) == {"word": "none"}


@pytest.mark.parametrize("name", ["nobody", "no_such_package.nobody", "some_package.nobody", "/nowhere/a.py"])
def test_unknown_application_is_told(folder: Path, name: str) -> None:
    """A name that leads nowhere is an error that repeats it."""
    with pytest.raises(InvalidApplication, match=name):
        load(name, {})


def test_option_that_is_not_taken_is_told(folder: Path) -> None:
    """An option that the application does not know is an error that names it."""
    with pytest.raises(InvalidApplication, match="colour"):
        load("some_package.mine", {"colour": "blue"})


def test_module_that_misses_another_says_which(folder: Path) -> None:
    """An application that imports what is not there is not taken for an unknown one."""
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        load("some_package.broken", {})
