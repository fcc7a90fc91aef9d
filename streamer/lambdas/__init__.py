"""The functions as Lambda calls them, and what they are made of.

Each module has `build(services)`, which makes the function's handler from its parts, and `handler`,
which is that with the parts of this process's environment.
"""
