"""Connecting others at the wish of a program: click to dial, and calling somebody back."""

from .connection import Change, Connection, Side, SideState, State, Wanted
from .connections import Connections, NoSuchConnection

__all__ = [
    "Change",
    "Connection",
    "Connections",
    "NoSuchConnection",
    "Side",
    "SideState",
    "State",
    "Wanted",
]
