"""How long the suite waits for what should happen."""

import os

DEADLINE_S = float(os.environ.get("PARITY_DEADLINE_S", "30"))
"""Seconds until something counts as never happening; less where many rows are expected to fail."""
