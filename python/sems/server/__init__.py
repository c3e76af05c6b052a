"""The server: the engine, the apps and the pages, and every call between them."""

from .server import Server

__all__ = ["Server"]
