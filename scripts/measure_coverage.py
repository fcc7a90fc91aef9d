"""Branch coverage of the tests, with the processes of functions, emulator and LocalStack counted.

    python3 scripts/measure_coverage.py [--append] [--missing] [--only-report] [pytest arguments]

It takes about twice as long as the tests alone, so it is no part of CI's ordinary run.
"""

import sys

from prepare import DEVELOPMENT_LOCK, prepare, run

if __name__ == "__main__":
    run(prepare(DEVELOPMENT_LOCK), ["-m", "scripts.coverage_measurement", *sys.argv[1:]])
