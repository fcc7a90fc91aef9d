"""Tables from the command line."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from streamer.dynamorm import Attribute, Index, InvalidModel, KeyAttribute, Model, Table
from streamer.dynamorm.cli import main, tables_of
from streamer.dynamorm.tables import MemoryTables, Tables

THINGS = Table("things", KeyAttribute("pk"), ttl_attribute="expires_at")
OTHERS = Table("others", KeyAttribute("pk"))


class Thing(Model, table=THINGS):
    pk: Attribute[str]


class Abstract(Model, abstract=True):
    note: Attribute[str]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that declares a table, and a model of another."""
    made = ModuleType("shop_models")
    vars(made).update(OTHERS=OTHERS, Thing=Thing, Abstract=Abstract, Model=Model)
    monkeypatch.setitem(sys.modules, "shop_models", made)
    return made


@pytest.fixture
def memory() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def run(module: ModuleType, memory: MemoryTables) -> Callable[..., int]:
    """Run the command on tables in memory."""

    def connect(endpoint_url: str | None, names: Mapping[str, str] | None) -> Any:
        assert endpoint_url == "http://127.0.0.1:1"
        return memory

    def call(*arguments: str) -> int:
        return main([*arguments, "--endpoint-url", "http://127.0.0.1:1"], connect=connect)

    return call


def test_the_tables_of_a_module(module: ModuleType) -> None:
    """Tables by themselves and those of models, each once; a module without any is refused."""
    assert tables_of(module) == [OTHERS, THINGS]
    with pytest.raises(InvalidModel, match="no table"):
        tables_of(ModuleType("empty"))


def test_a_plan_is_shown_and_nothing_done(
    run: Callable[..., int], memory: MemoryTables, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plan` ends with 1 while something is left to do."""
    assert run("plan", "shop_models") == 1
    assert "things  Create it, keyed by pk." in capsys.readouterr().out
    assert memory.find(THINGS) is None


def test_a_plan_is_applied(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """`apply` tells of each step; afterwards there is nothing to do."""
    assert run("apply", "shop_models") == 0
    assert "3 of 3 is done" in capsys.readouterr().out
    assert run("plan", "shop_models") == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_losses_are_allowed_by_name(
    run: Callable[..., int], memory: MemoryTables, capsys: pytest.CaptureFixture[str]
) -> None:
    """What takes something away is shown, refused, and done when it is asked for."""
    Tables(memory).create(replace(THINGS, indexes=(Index("by-owner", KeyAttribute("owner")),)), OTHERS)
    assert run("apply", "shop_models") == 2
    assert "allow_losses" in capsys.readouterr().err
    assert run("apply", "shop_models", "--allow-losses") == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan", "no_such_module"], "no_such_module"),
        (["plan", "shop_models", "--name", "things"], "TABLE=NAME"),
    ],
    ids=["module", "name"],
)
def test_what_cannot_be(
    run: Callable[..., int], arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure is one sentence and an exit code of its own."""
    assert run(*arguments) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "arguments", "said"),
    [
        ({}, [], "No AWS region is named: set AWS_DEFAULT_REGION"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_PROFILE": "absent"}, [], "AWS_PROFILE names no profile"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, ["--endpoint-url", "nowhere"], "'nowhere' is no address"),
    ],
    ids=["no region", "no profile", "no address"],
)
def test_what_aws_needs_is_told(
    module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    environment: Mapping[str, str],
    arguments: list[str],
    said: str,
) -> None:
    """Without a region, or with a profile or an address that is none, one sentence says what to set."""
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["plan", "shop_models", *arguments]) == 2
    assert said in capsys.readouterr().err
