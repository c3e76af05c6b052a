"""The web side: the control pages and the API that they, and programs, use."""

from .app import create_app

__all__ = ["create_app"]
