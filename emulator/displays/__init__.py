"""What notebooks and terminals show of a sandbox: values in, HTML, SVG or text out.

Only `live` does more than that: it follows a request and changes its display in place.
"""

from emulator.displays.lifecycle import lifecycle_html, lifecycle_text
from emulator.displays.live import show_request

__all__ = ["lifecycle_html", "lifecycle_text", "show_request"]
