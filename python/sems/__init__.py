"""SEMS, the SIP Express Media Server: voice services as coroutines.

>>> from sems import App, Call
>>> app = App()
>>> @app.call
... async def main(call: Call) -> None:
...     await call.answer()
...     await call.play("welcome")
"""

from .app import App
from .audio.pcm import Audio, Block, Listening
from .audio.playback import Playback, Sound
from .audio.private_talk import PrivateTalk
from .audio.recording import Recording
from .audio.room import Room
from .audio.spoken import Spoken
from .audio.take import Take
from .audio.voice import EspeakNg, Say, Speech, Voice
from .call import Call
from .conference import Conference, Participant
from .config import Config
from .engine import Prompt, Quality, Tap, __version__
from .errors import (
    BoxFull,
    BoxLocked,
    CallFailed,
    ConfigError,
    EngineError,
    HungUp,
    MailFailed,
    NoVoice,
    PluginError,
    SemsError,
    SoundNotFound,
    StartError,
    StorageError,
    TraceError,
    WrongState,
)
from .events import (
    Answered,
    CallEvent,
    Digit,
    Ended,
    EndReason,
    Hold,
    Level,
    Levels,
    Message,
    Progress,
    Recoded,
    Replaced,
    RtpResumed,
    RtpTimeout,
    Speaking,
    StreamResumed,
    StreamStopped,
    Transferring,
)
from .registration.accounts import Account
from .registration.bindings import Binding
from .server import Server
from .session import Session
from .sip.headers import Headers, NameAddr, SipUri
from .sip.identity import Diversion, History, Reason
from .sip.params import Params
from .sip.requests import SipRequest, SipResponse
from .sip.subscriptions import Notification, Notifications, Subscription
from .sip.transfer import Refer, Transfer
from .storage import Counts, Draft, StoredMessage
from .trace import Trace, TracedCall

__all__ = [
    "Account",
    "Answered",
    "App",
    "Audio",
    "Binding",
    "Block",
    "BoxFull",
    "BoxLocked",
    "Call",
    "CallEvent",
    "CallFailed",
    "Conference",
    "Config",
    "ConfigError",
    "Counts",
    "Digit",
    "Diversion",
    "Draft",
    "EndReason",
    "Ended",
    "EngineError",
    "EspeakNg",
    "Headers",
    "History",
    "Hold",
    "HungUp",
    "Level",
    "Levels",
    "Listening",
    "MailFailed",
    "Message",
    "NameAddr",
    "NoVoice",
    "Notification",
    "Notifications",
    "Params",
    "Participant",
    "Playback",
    "PluginError",
    "PrivateTalk",
    "Progress",
    "Prompt",
    "Quality",
    "Reason",
    "Recoded",
    "Recording",
    "Refer",
    "Replaced",
    "Room",
    "RtpResumed",
    "RtpTimeout",
    "Say",
    "SemsError",
    "Server",
    "Session",
    "SipRequest",
    "SipResponse",
    "SipUri",
    "Sound",
    "SoundNotFound",
    "Speaking",
    "Speech",
    "Spoken",
    "StartError",
    "StorageError",
    "StoredMessage",
    "StreamResumed",
    "StreamStopped",
    "Subscription",
    "Take",
    "Tap",
    "Trace",
    "TraceError",
    "TracedCall",
    "Transfer",
    "Transferring",
    "Voice",
    "WrongState",
    "__version__",
]
