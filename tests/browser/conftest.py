"""The browser, and JupyterLab on a copy of the notebooks."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]

START_S = 60.0
"""Seconds that JupyterLab may take until it answers. It takes about four on two cores."""

PAGE_S = 40.0
"""Seconds that a page may take to be what a test waits for; JupyterLab is open in about three."""

END_S = 20.0
"""Seconds that processes have to end after JupyterLab was asked to. It takes about two."""

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing but the pages is asked for; the machine may have no network."""

TRUST = "import notebook, pathlib, sys; notebook.trust(pathlib.Path(sys.executable))"
"""What `scripts/notebook.py` does to the notebooks, without the environments that it makes before. A
signature is of a notebook's content, so it counts for a copy too."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; install it, for these tests look at pages as a person does.")
        pytest.skip("Chromium is missing.")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium without a window; each page of it gets a context of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@dataclass
class Lab:
    """A running JupyterLab.

    Attributes:
        address: without the token.
        seen: the processes of its tree that `look` has met.
    """

    address: str
    token: str
    process: subprocess.Popen[str]
    seen: set[psutil.Process] = field(default_factory=set)

    def page_of(self, notebook: str) -> str:
        """Return the address that opens a notebook and nothing else."""
        return f"{self.address}/lab/tree/{notebook}?token={self.token}&reset"

    def look(self) -> set[psutil.Process]:
        """Remember the processes that are there now; returns those below the server."""
        server = psutil.Process(self.process.pid)
        below = set(server.children(recursive=True))
        self.seen |= {server, *below}
        return below

    def stop(self) -> list[psutil.Process]:
        """Ask the server to end; returns what of its tree has not ended by itself, after killing it."""
        if self.process.poll() is None:
            self.look()
            self.process.terminate()
        _, alive = psutil.wait_procs(self.seen, timeout=END_S)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        return list(alive)


def start(command: list[str], home: Path, **environment: str) -> Lab:
    """Start JupyterLab with a home of its own, so that nobody's settings count and none are written."""
    port = free_port()
    token = secrets.token_urlsafe()
    own = {
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "MPLCONFIGDIR": home / "matplotlib",
    }
    process = subprocess.Popen(
        [
            *command,
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--LabApp.expose_app_in_browser=True",
        ],
        env={
            **os.environ,
            **{name: str(path) for name, path in own.items()},
            **environment,
            "JUPYTER_TOKEN": token,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lab = Lab(f"http://127.0.0.1:{port}", token, process)
    lab.look()
    said = deque[str](maxlen=30)
    has_said_where = threading.Event()
    threading.Thread(target=_read, args=(process, said, has_said_where), daemon=True).start()
    if not has_said_where.wait(START_S) or process.poll() is not None:
        lab.stop()
        pytest.fail("JupyterLab did not start:\n" + "".join(said))
    return lab


def _read(process: "subprocess.Popen[str]", said: deque[str], has_said_where: threading.Event) -> None:
    """Read what a server says until it ends, so that it never waits for a reader."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            said.append(line)
            if " is running at:" in line:
                has_said_where.set()
    has_said_where.set()


def copy_notebooks(folder: Path) -> None:
    """Copy the notebooks: as they are committed, and as if nobody had run them.

    Whatever is seen in the second ones comes from this run.
    """
    (folder / "committed").mkdir(parents=True)
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        shutil.copy(path, folder / "committed")
        notebook: dict[str, Any] = json.loads(path.read_text())
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        (folder / path.name).write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on copies of the notebooks, with those signed that `scripts/notebook.py` signs."""
    home = tmp_path_factory.mktemp("jupyter")
    copy_notebooks(home / "notebooks")
    subprocess.run(
        [sys.executable, "-c", TRUST],
        cwd=ROOT / "scripts",
        env={**os.environ, "JUPYTER_DATA_DIR": str(home / "data")},
        check=True,
    )
    command = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    configuration = ROOT / "scripts" / "notebooks" / "jupyter"
    started = start(
        [*command, f"--ServerApp.root_dir={home / 'notebooks'}"], home, JUPYTER_CONFIG_PATH=str(configuration)
    )
    yield started
    assert started.stop() == [], "JupyterLab takes everything with it"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of 1280 by 900; whatever a page in it reports as an error fails the test in the end."""
    errors: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened.set_default_timeout(PAGE_S * 1000)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield opened
    opened.close()
    assert errors == []
