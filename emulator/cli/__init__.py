"""The emulator's commands: `python -m emulator up | doctor | logs | clock | fault | ...`."""

import sys

import typer

from emulator.cli import experiments, looking, up
from emulator.cli.console import err
from emulator.errors import EmulatorError

app = typer.Typer(
    help="Runs WebSocket-API applications on this machine, with no AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    up.up,
    looking.doctor,
    looking.status,
    looking.logs,
    looking.timeline,
    experiments.kill,
    experiments.cut,
):
    app.command()(command)
app.add_typer(experiments.clock_app, name="clock")
app.add_typer(experiments.fault_app, name="fault")
app.add_typer(experiments.schedule_app, name="schedule")


def main() -> None:
    """Run a command; an error is one sentence, not a traceback."""
    try:
        app()
    except EmulatorError as error:
        err.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)
