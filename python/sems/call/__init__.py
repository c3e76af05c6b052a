"""A call, as an app sees it: from its INVITE to its end."""

from .call import Call

__all__ = ["Call"]
