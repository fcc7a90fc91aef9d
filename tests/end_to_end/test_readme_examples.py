"""Every example of the README does what it says, as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def example(name: str) -> str:
    """Return the code block that the README marks with `name`."""
    pattern = rf"<!-- example: {name} -->\n```python\n(.*?)```"
    found = re.search(pattern, (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None, f"The README has no example called {name}."
    return found.group(1)


def run(arguments: list[str], folder: Path) -> str:
    """Run Python in `folder`; returns what it printed, and fails where it failed."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_sandbox_in_code(tmp_path: Path) -> None:
    """The first example connects, gets an echo and a report, and lists the tables."""
    script = tmp_path / "example.py"
    script.write_text(example("sandbox"))
    printed = run([str(script)], tmp_path)
    assert "'echo': {'message': 'hi'}" in printed
    assert "100.0 % The report is ready" in printed
    assert "streamer-requests" in printed


def test_ten_lines_test_a_flow(tmp_path: Path) -> None:
    """The test example passes under pytest with nothing else around it."""
    (tmp_path / "test_example.py").write_text(example("test"))
    assert "1 passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], tmp_path)


def test_time_and_faults(tmp_path: Path) -> None:
    """A killed executor and ten idle minutes, in tests of the user's own."""
    (tmp_path / "test_experiments.py").write_text(example("experiments"))
    assert "2 passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], tmp_path)


def test_an_action_of_ones_own(tmp_path: Path) -> None:
    """An action in a module of the user's is offered by naming the module."""
    (tmp_path / "my_actions.py").write_text(example("action"))
    (tmp_path / "conftest.py").write_text(example("conftest"))
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n\n@pytest.mark.asyncio\nasync def test_mine(client):\n"
        "    assert await client.request('print_pages', {'count': 20}) == {'printed': 20}\n"
        "    long = client.request('print_pages', {'count': 200})\n"
        "    assert [progress.percentage async for progress in long][0] == 0\n"
        "    assert await long == {'printed': 200}\n"
    )
    assert "1 passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], tmp_path)
