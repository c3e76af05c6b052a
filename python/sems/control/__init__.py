"""The web side: the control pages and the API that they, and programs, use."""

from .app import create_app
from .webhooks import Webhooks

__all__ = ["Webhooks", "create_app"]
