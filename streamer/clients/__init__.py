"""The clients of an application: one surface in every language."""
