"""Streamer's commands: `python -m streamer token | call | schema | requests ...`.

What a program may want to read goes to standard output, everything else to standard error.
Exit status: 0 done; 1 an error outcome, or nobody to talk to; 2 bad usage; 130 interrupted.
"""

import typer

from streamer.cli import calling, requests

__all__ = ["app"]

app = typer.Typer(
    help="Talk to a running Streamer deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks can show local variables, and a token is one
)
for command in (calling.token, calling.schema, calling.call):
    app.command()(command)
app.add_typer(requests.app, name="requests")
