"""A handler in a folder, as `package/nested.handler`."""

from generic import handler

__all__ = ["handler"]
