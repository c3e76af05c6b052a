"""Conferences: who is in a room, what he may do there, and what everybody is told of it."""

from .commands import Command, Lock, LowerHand, Mute, RaiseHand, Readmit, Remove, Unlock, Unmute
from .conference import Conference
from .errors import NotAllowed, NotHere, Refused, RoomFull, RoomLocked
from .links import EndedLink, Links, UnknownLink
from .member import Member
from .model import ConferenceModel
from .participant import Line, Participant, Presence, Role
from .registry import Conferences

__all__ = [
    "Command",
    "Conference",
    "ConferenceModel",
    "Conferences",
    "EndedLink",
    "Line",
    "Links",
    "Lock",
    "LowerHand",
    "Member",
    "Mute",
    "NotAllowed",
    "NotHere",
    "Participant",
    "Presence",
    "RaiseHand",
    "Readmit",
    "Refused",
    "Remove",
    "Role",
    "RoomFull",
    "RoomLocked",
    "UnknownLink",
    "Unlock",
    "Unmute",
]
