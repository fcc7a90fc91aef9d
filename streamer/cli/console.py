"""What the commands share: where the deployment is described, and how they end."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from streamer.deployment import VARIABLE

DeploymentFile = Annotated[
    Path | None,
    typer.Option("--deployment", envvar=VARIABLE, metavar="FILE", help="What describes the deployment."),
]


def printable(text: str) -> str:
    """Return the text without what could steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def give_up(sentence: str) -> NoReturn:
    """End with status 1 and a sentence."""
    typer.echo(printable(sentence), err=True)
    raise typer.Exit(1)
