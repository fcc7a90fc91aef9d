"""Tables from the command line.

```sh
python -m streamer.dynamorm plan shop.models --name shop=production-shop
python -m streamer.dynamorm apply shop.models --name shop=production-shop --allow-losses
```
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType

from streamer.dynamorm.errors import DynamormError, InvalidModel
from streamer.dynamorm.models.model import Model
from streamer.dynamorm.schema import Table
from streamer.dynamorm.tables import Administration, Progress, Tables

Connect = Callable[[str | None, Mapping[str, str] | None], Administration]
"""Makes the administration of an endpoint (None: AWS's), with the tables' names in the account."""


def main(arguments: Sequence[str] | None = None, *, connect: Connect | None = None) -> int:
    """Run the command.

    Returns:
        0: the tables are as they are declared; 1: there is something left to do; 2: it failed.
    """
    given = _parser().parse_args(arguments)
    try:
        declared = tables_of(import_module(given.module))
        tables = Tables((connect or _connect)(given.endpoint_url, _names(given.name)))
        plan = tables.plan(*declared)
        print(plan)
        if given.command == "apply" and plan:
            tables.apply(plan, allow_losses=given.allow_losses, progress=_tell)
            plan = tables.plan(*declared)
    except (DynamormError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if plan or plan.later else 0


def tables_of(module: ModuleType) -> list[Table]:
    """Return the tables that a module declares or whose models it has, each once, by their names.

    Raises:
        InvalidModel: it has none.
    """
    found = sorted(set(_tables_of(module)), key=lambda table: table.name)
    if not found:
        raise InvalidModel(f"{module.__name__} has no table and no model; name the module that has.")
    return found


def _tables_of(module: ModuleType) -> Iterator[Table]:
    for held in vars(module).values():
        if isinstance(held, Table):
            yield held
        elif isinstance(held, type) and issubclass(held, Model) and hasattr(held, "__schema__"):
            yield held.__schema__.table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streamer.dynamorm", description="Compares tables with their declarations."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser("plan", help="show what would be done")
    apply = commands.add_parser("apply", help="show it and do it")
    for command in (plan, apply):
        command.add_argument("module", help="the module that declares the tables or their models")
        command.add_argument("--endpoint-url", metavar="URL", help="of another DynamoDB than AWS's")
        command.add_argument(
            "--name",
            action="append",
            metavar="TABLE=NAME",
            help="what a table is called in the account; if it comes at all, it comes for each",
        )
    apply.add_argument("--allow-losses", action="store_true", help="do what takes something away too")
    return parser


def _names(given: Sequence[str] | None) -> Mapping[str, str] | None:
    if given is None:
        return None
    names = {}
    for pair in given:
        table, equals, name = pair.partition("=")
        if not (table and equals and name):
            raise InvalidModel(f"{pair!r} names no table; write --name TABLE=NAME.")
        names[table] = name
    return names


def _connect(endpoint_url: str | None, names: Mapping[str, str] | None) -> Administration:
    from streamer.dynamorm.tables.aws import DynamoDBTables

    return DynamoDBTables.open(names, endpoint_url=endpoint_url)


def _tell(progress: Progress) -> None:
    if progress.busy == ():
        print(f"{progress.position} of {progress.steps} is done ({progress.elapsed_s:.1f} s).")
