"""All that can be asked of a conference. Keypad, page, REST and SIP are doors to these."""

from .command import Command, ParticipantCommand
from .dialling import CancelCall, Dial, Redial
from .door import Readmit, Remove
from .floor import GiveFloor, LowerHand, RaiseHand, TakeFloor, Talk
from .lobby import Admit, AdmitAll, TurnAway
from .microphone import Mute, Unmute
from .minutes import PauseRecording, Record, StopRecording
from .roles import SetRole
from .settings import (
    Lock,
    SetMaxMembers,
    SetMode,
    SetModeratorPin,
    SetPin,
    SetPins,
    SetQuiet,
    SetTalkTime,
    SetWaitForModerator,
    SetWaitingRoom,
    Unlock,
)
from .side_rooms import Gather, Move
from .talks import AcceptTalk, AskToTalk, Coach, DeclineTalk, LeaveTalk, SetBackground
from .text import Say
from .volumes import SetGain, SetVolume

__all__ = [
    "AcceptTalk",
    "Admit",
    "AdmitAll",
    "AskToTalk",
    "CancelCall",
    "Coach",
    "Command",
    "DeclineTalk",
    "Dial",
    "Gather",
    "GiveFloor",
    "LeaveTalk",
    "Lock",
    "LowerHand",
    "Move",
    "Mute",
    "ParticipantCommand",
    "PauseRecording",
    "RaiseHand",
    "Readmit",
    "Record",
    "Redial",
    "Remove",
    "Say",
    "SetBackground",
    "SetGain",
    "SetMaxMembers",
    "SetMode",
    "SetModeratorPin",
    "SetPin",
    "SetPins",
    "SetQuiet",
    "SetRole",
    "SetTalkTime",
    "SetVolume",
    "SetWaitForModerator",
    "SetWaitingRoom",
    "StopRecording",
    "TakeFloor",
    "Talk",
    "TurnAway",
    "Unlock",
    "Unmute",
]
