"""Sets everything up and opens JupyterLab on the first notebook.

python3 scripts/notebook.py [JupyterLab's arguments]

`--no-browser` only says at which address it is; `--port 9999` chooses the port.
"""

import os
import subprocess
import sys
from pathlib import Path

from prepare import NOTEBOOKS_LOCK, ROOT, prepare, run, say

FIRST = "notebooks/01_connect.ipynb"

CONFIGURATION = ROOT / "scripts" / "notebooks" / "jupyter"
"""JupyterLab asks whether it may fetch news from its makers; this takes the question away."""


def trust(python: Path) -> None:
    """Sign our own notebooks, so that JupyterLab shows the outputs they came with in their full style.

    Whoever runs this runs the checkout's code anyway. Other notebooks are left as they are.
    """
    ours = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    command = [python, "-m", "nbformat.sign", "--log-level=ERROR", *ours]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    python = prepare(NOTEBOOKS_LOCK)
    paths = [str(CONFIGURATION), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    trust(python)
    if os.geteuid() == 0:
        say("You are root; JupyterLab is told that this is meant.")
        arguments.append("--allow-root")
    say(f"JupyterLab opens on {FIRST}; Ctrl-C, twice, ends it and whatever its notebooks have started.")
    run(
        python,
        [
            "-m",
            "jupyterlab",
            f"--ServerApp.root_dir={ROOT}",
            f"--LabApp.default_url=/lab/tree/{FIRST}",
            *arguments,
        ],
    )
