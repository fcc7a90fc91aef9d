"""Where the sandbox finds an application: a module of the emulator, any module, a file."""

import re
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Application
from emulator.applications.plain import PlainSource
from emulator.applications.source import load, locate
from emulator.errors import EmulatorError, InvalidApplication
from emulator.sandbox import Sandbox

MODULE = """
class Source:
    def __init__(self, *, word="none"):
        self.word = word

    def application(self):
        raise NotImplementedError
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


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "no_such_package.nobody",
        "some_package.nobody",
        "/nowhere/a.py",
        "nowhere.py",
        "./b.txt",
        "",
        ".",
        "..",
        ".c",
        "d..e",
        "f g",
    ],
)
def test_unknown_application_is_told(folder: Path, name: str) -> None:
    """A name that leads nowhere is an error that repeats it."""
    with pytest.raises(InvalidApplication, match=re.escape(name.removeprefix("./") or "''")):
        load(name, {})


def test_option_that_is_not_taken_is_told(folder: Path) -> None:
    """An option that the application does not know is an error that names it."""
    with pytest.raises(InvalidApplication, match="colour"):
        load("some_package.mine", {"colour": "blue"})


def test_module_that_misses_another_says_which(folder: Path) -> None:
    """An application that imports what is not there is not taken for an unknown one."""
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        load("some_package.broken", {})


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes an application's file into this test's working folder."""
    monkeypatch.chdir(tmp_path)

    def write(code: str, name: str = "chat.py") -> str:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"from emulator import application as model\n{code}")
        return name

    return write


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("def application(name='chat'):\n    return model.Application(name)", {"name": "mine"}),
        ("APPLICATION = model.Application('mine')", {}),
        ("class Source:\n    def application(self):\n        return model.Application('mine')", {}),
        (
            "from emulator.applications.plain import PlainSource\n"
            "class Source(PlainSource):\n    def application(self):\n"
            "        return model.Application('mine')",
            {},
        ),
    ],
    ids=["function", "constant", "class", "base"],
)
def test_declaration_is_all_that_it_takes(write: Any, code: str, options: dict[str, Any]) -> None:
    """A function, a constant or a class with one method is an application; the rest has defaults."""
    source = load(write(code), options)
    assert source.application() == Application("mine")
    assert (source.lifecycle, source.initial_state) == ({}, "")
    assert source.requests == source.folders == source.errors == ()
    with pytest.raises(EmulatorError, match="makes no tokens"):
        source.token(None, user="a", tenant="b", now=0.0)
    with pytest.raises(EmulatorError, match="execution="):
        source.inline_handler("f", None, None)  # type: ignore[arg-type]
    with pytest.raises(EmulatorError, match="no actions"):
        source.add_action(print)


def test_what_a_class_has_is_kept(write: Any) -> None:
    """Only what it lacks comes from the defaults, also where it sets a member itself."""
    code = (
        "class Source:\n    def __init__(self):\n        self.folders = ('/mine',)\n"
        "    def application(self):\n        return model.Application('mine')\n"
        "    def token(self, client, **options):\n        return 'token'"
    )
    source = load(write(code), {})
    assert (source.folders, source.token(None, user="a", tenant="b", now=0.0)) == (("/mine",), "token")
    assert isinstance(source, PlainSource)


@pytest.mark.parametrize(
    ("code", "options", "says"),
    [
        ("", {}, "declares nothing"),
        ("class Source: pass", {}, r"no method application\(\)"),
        ("from emulator.applications.plain import PlainSource as Source", {}, r"no method application\(\)"),
        ("def Source(): return 5", {}, "derive it from"),
        ("def application(): pass", {"colour": 1}, "colour"),
        ("APPLICATION = model.Application('mine')", {"colour": 1}, r"application\(\) that takes them"),
    ],
    ids=["nothing", "class", "base", "factory", "function-options", "constant-options"],
)
def test_what_is_missing_is_told(write: Any, code: str, options: dict[str, Any], says: str) -> None:
    """A file that is no application is refused with what to write."""
    with pytest.raises(InvalidApplication, match=says):
        load(write(code), options)


@pytest.mark.parametrize("code", ["APPLICATION = 5", "def application(): pass"], ids=["constant", "function"])
def test_another_thing_than_an_application_is_refused(write: Any, code: str) -> None:
    """What is declared is an `Application`."""
    with pytest.raises(InvalidApplication, match="return or assign"):
        load(write(code), {}).application()


@pytest.mark.parametrize("name", ["chat.py", "./chat.py", "../{}/chat.py", Path("chat.py")], ids=str)
def test_relative_file_is_found_from_another_folder(
    write: Any, name: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file's place is resolved where it is named, because the emulator may have another folder."""
    write("APPLICATION = model.Application('mine')")
    name = name if isinstance(name, Path) else name.format(tmp_path.name)
    sandbox = Sandbox(name)
    assert sandbox.name == str(tmp_path / "chat.py")
    found = locate(name)
    monkeypatch.chdir("/")
    assert load(found, {}).application().name == "mine"


def test_inline_execution_needs_handlers(write: Any) -> None:
    """An application whose handlers cannot be made here is told so before anything starts."""
    name = write("APPLICATION = model.Application('mine')")
    with pytest.raises(EmulatorError, match="inline_handler"):
        Sandbox(name, execution="inline")


def test_application_itself_is_no_name() -> None:
    """The emulator's process has to find it, too."""
    with pytest.raises(InvalidApplication, match="named by its module or its file"):
        Sandbox(Application("mine"))  # type: ignore[arg-type]
