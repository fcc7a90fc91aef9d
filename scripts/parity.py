"""The parity table: writes it into emulator/README.md, or runs the suite against another target.

python3 scripts/parity.py                      writes the table
python3 scripts/parity.py --check              says whether it is up to date
python3 scripts/parity.py --target ministack   runs the rows that can be pointed there, and counts
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import prepare
from scripts.parity_harness import table as tables
from scripts.parity_harness.collecting import CollectionFailed, collect, surroundings
from scripts.parity_harness.results import pointed, results_table
from scripts.parity_harness.table import ROOT

README = ROOT / "emulator" / "README.md"

OTHER_DEADLINE_S = "3"
"""Where many rows fail, each failure costs a deadline; a target that works needs milliseconds."""


def write(*, check: bool) -> int:
    """Write the table, or say what is different; returns the exit status."""
    try:
        table = tables.build(tables.read_rows(), collect(), tables.read_outside())
    except CollectionFailed as error:
        print(error)
        return 1
    for problem in table.problems:
        print(problem)
    if table.missing:
        print(f"{len(table.missing)} rows without a test, a gap or a reason: {' '.join(table.missing)}")
    before = README.read_text()
    after = tables.put_into(before, tables.markdown(table))
    if check:
        if before != after:
            print("The table in emulator/README.md is not up to date: run scripts/parity.py.")
        return int(before != after or bool(table.problems))
    README.write_text(after)
    return int(bool(table.problems))


def run(target: str) -> int:
    """Run the suite against another target and print what it fails, by section."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"]
        command += ["-p", "scripts.parity_harness.results", f"--parity-results={file}", "tests/parity"]
        environment = {"PARITY_DEADLINE_S": OTHER_DEADLINE_S, **surroundings(target)}
        status = subprocess.run(command, cwd=ROOT, check=False, env=environment).returncode
        if not file.exists():
            return status or 1
        found = json.loads(file.read_text())
    rows = pointed(tables.read_rows(), found)
    print(results_table(target, rows))
    return 0


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would change")
    parser.add_argument("--target", choices=["ministack", "streamer"], help="run the suite against this")
    arguments = parser.parse_args()
    return run(arguments.target) if arguments.target else write(check=arguments.check)


if __name__ == "__main__":
    if importlib.util.find_spec("pytest") is None or importlib.util.find_spec("hypothesis") is None:
        prepare.run(prepare.prepare(prepare.DEVELOPMENT_LOCK), [__file__, *sys.argv[1:]])
    sys.exit(main())
