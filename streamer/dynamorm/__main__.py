"""`python -m streamer.dynamorm`."""

import sys

from streamer.dynamorm.cli import main

sys.exit(main())
