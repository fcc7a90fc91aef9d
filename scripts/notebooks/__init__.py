"""Executes the notebooks and keeps their outputs honest: `python -m scripts.notebooks`."""
