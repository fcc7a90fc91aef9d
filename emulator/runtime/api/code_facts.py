"""Size and hash of a function's code."""

import base64
import hashlib
from dataclasses import dataclass

from emulator.application import Function


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """`CodeSize` in bytes and `CodeSha256`, base64."""

    size: int
    sha256: str


def code_facts(function: Function) -> CodeFacts:
    """Read them from the file that holds the handler.

    On AWS they are the package's; here a folder may be a whole repository, which nobody wants read for
    the list of functions. A file that is not there counts as empty.
    """
    module = function.code.joinpath(*function.handler.rpartition(".")[0].replace("/", ".").split("."))
    for file in (module.with_name(f"{module.name}.py"), module / "__init__.py"):
        try:
            content = file.read_bytes()
            break
        except OSError:
            continue
    else:
        content = b""
    return CodeFacts(len(content), base64.b64encode(hashlib.sha256(content).digest()).decode())
