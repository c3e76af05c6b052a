"""All that can have happened in a conference."""

from .door import Gone, Joined, Left, Removed, RoleChanged
from .event import Event, FloorChanged, HandsChanged, ParticipantChanged
from .floor import FloorGiven, FloorTaken, HandLowered, HandRaised
from .line import LineChanged, VoiceChanged
from .microphone import Muted, Unmuted
from .settings import ModeChanged, SettingsChanged

__all__ = [
    "Event",
    "FloorChanged",
    "FloorGiven",
    "FloorTaken",
    "Gone",
    "HandLowered",
    "HandRaised",
    "HandsChanged",
    "Joined",
    "Left",
    "LineChanged",
    "ModeChanged",
    "Muted",
    "ParticipantChanged",
    "Removed",
    "RoleChanged",
    "SettingsChanged",
    "Unmuted",
    "VoiceChanged",
]
