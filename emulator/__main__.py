"""`python -m emulator`."""

import sys

try:
    from emulator.cli import main
except ModuleNotFoundError as error:
    sys.exit(
        f"This Python lacks the package {error.name}: run scripts/demo.py once and use .venv/bin/python,"
        " or install the extra streamer[emulator]."
    )

if __name__ == "__main__":
    main()
