"""All that can have happened in a conference."""

from .dialling import CallChanged, CallGone
from .door import Dismissed, Gone, Joined, Left, Removed
from .event import Event, FloorChanged, HandsChanged, ParticipantChanged
from .floor import FloorGiven, FloorTaken, HandLowered, HandRaised
from .line import AbsentLineChanged, LineChanged, VoiceChanged
from .lobby import Admitted, Knocked, LobbyChanged, TurnedAway, WentAway
from .microphone import Muted, Unmuted
from .minutes import RecordingChanged, RecordingsChanged
from .roles import RoleChanged
from .settings import ModeChanged, SettingsChanged
from .side_rooms import Moved
from .talks import CameBack, MutedInTalk, TalkChanged, WentPrivate
from .text import MessageFailed, MessageSent, TextsChanged
from .volumes import GainChanged, VolumesChanged

__all__ = [
    "AbsentLineChanged",
    "Admitted",
    "CallChanged",
    "CallGone",
    "CameBack",
    "Dismissed",
    "Event",
    "FloorChanged",
    "FloorGiven",
    "FloorTaken",
    "GainChanged",
    "Gone",
    "HandLowered",
    "HandRaised",
    "HandsChanged",
    "Joined",
    "Knocked",
    "Left",
    "LineChanged",
    "LobbyChanged",
    "MessageFailed",
    "MessageSent",
    "ModeChanged",
    "Moved",
    "Muted",
    "MutedInTalk",
    "ParticipantChanged",
    "RecordingChanged",
    "RecordingsChanged",
    "Removed",
    "RoleChanged",
    "SettingsChanged",
    "TalkChanged",
    "TextsChanged",
    "TurnedAway",
    "Unmuted",
    "VoiceChanged",
    "VolumesChanged",
    "WentAway",
    "WentPrivate",
]
