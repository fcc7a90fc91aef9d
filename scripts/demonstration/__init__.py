"""The demo: one request after another through the real parts, told in the terminal."""
