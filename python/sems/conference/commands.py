"""All that can be asked of a conference. Keypad, page, REST and SIP are doors to these."""

from .command import Command, ParticipantCommand
from .door import Readmit, Remove
from .floor import GiveFloor, LowerHand, RaiseHand, TakeFloor, Talk
from .microphone import Mute, Unmute
from .roles import SetRole
from .settings import Lock, SetMode, SetTalkTime, Unlock
from .text import Say
from .volumes import SetGain, SetVolume

__all__ = [
    "Command",
    "GiveFloor",
    "Lock",
    "LowerHand",
    "Mute",
    "ParticipantCommand",
    "RaiseHand",
    "Readmit",
    "Remove",
    "Say",
    "SetGain",
    "SetMode",
    "SetRole",
    "SetTalkTime",
    "SetVolume",
    "TakeFloor",
    "Talk",
    "Unlock",
    "Unmute",
]
