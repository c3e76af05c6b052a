"""The server: the engine, the apps and the pages, and every call between them."""

from .outgoing import How
from .server import Server

__all__ = ["How", "Server"]
