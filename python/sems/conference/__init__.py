"""Conferences: who is in a room, what he may do there, and what everybody is told of it."""

from .commands import (
    Command,
    GiveFloor,
    Lock,
    LowerHand,
    Mute,
    RaiseHand,
    Readmit,
    Remove,
    Say,
    SetGain,
    SetMode,
    SetRole,
    SetTalkTime,
    SetVolume,
    TakeFloor,
    Talk,
    Unlock,
    Unmute,
)
from .conference import Conference
from .errors import NobodySteers, NoFloor, NotAllowed, NotHere, Refused, RoomFull, RoomLocked
from .links import EndedLink, Links, UnknownLink
from .member import Member
from .model import ConferenceModel
from .participant import Line, Participant, Presence, Role
from .registry import Conferences
from .settings import Mode, Settings
from .text import Message, TooFast

__all__ = [
    "Command",
    "Conference",
    "ConferenceModel",
    "Conferences",
    "EndedLink",
    "GiveFloor",
    "Line",
    "Links",
    "Lock",
    "LowerHand",
    "Member",
    "Message",
    "Mode",
    "Mute",
    "NoFloor",
    "NobodySteers",
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
    "Say",
    "SetGain",
    "SetMode",
    "SetRole",
    "SetTalkTime",
    "SetVolume",
    "Settings",
    "TakeFloor",
    "Talk",
    "TooFast",
    "UnknownLink",
    "Unlock",
    "Unmute",
]
