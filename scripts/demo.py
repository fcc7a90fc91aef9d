"""The whole flow in a terminal: sets everything up, starts the sandbox, plays it through.

python3 scripts/demo.py [--json FILE]
"""

import sys

from prepare import prepare, run

if __name__ == "__main__":
    run(prepare(development=False), ["-m", "scripts.demonstration", *sys.argv[1:]])
