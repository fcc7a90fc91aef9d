"""The whole flow in a terminal: sets everything up, starts the sandbox, plays it through.

python3 scripts/demo.py [--json FILE]
"""

import sys

from prepare import RUNTIME_LOCK, prepare, run

if __name__ == "__main__":
    run(prepare(RUNTIME_LOCK), ["-m", "scripts.demonstration", *sys.argv[1:]])
