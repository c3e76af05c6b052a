"""SEMS, the SIP Express Media Server: voice services as coroutines.

>>> from sems import App, Call
>>> app = App()
>>> @app.call
... async def main(call: Call) -> None:
...     await call.answer()
...     await call.play("welcome")
"""

from .accounts import Account
from .app import App
from .audio import Audio, Block, Listening
from .bindings import Binding
from .call import Call
from .conference import Conference, Participant
from .config import Config
from .engine import Prompt, Quality, Tap, __version__
from .errors import (
    CallFailed,
    ConfigError,
    EngineError,
    HungUp,
    PluginError,
    SemsError,
    SoundNotFound,
    StartError,
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
    Replaced,
    RtpResumed,
    RtpTimeout,
    Speaking,
    StreamResumed,
    StreamStopped,
    Transferring,
)
from .headers import Headers, NameAddr, SipUri
from .identity import Diversion, History, Reason
from .playback import Playback, Sound
from .private_talk import PrivateTalk
from .recording import Recording
from .requests import SipRequest, SipResponse
from .room import Room
from .server import Server
from .subscriptions import Notification, Notifications, Subscription
from .trace import Trace, TracedCall
from .transfer import Refer, Transfer

__all__ = [
    "Account",
    "Answered",
    "App",
    "Audio",
    "Binding",
    "Block",
    "Call",
    "CallEvent",
    "CallFailed",
    "Conference",
    "Config",
    "ConfigError",
    "Digit",
    "Diversion",
    "EndReason",
    "Ended",
    "EngineError",
    "Headers",
    "History",
    "Hold",
    "HungUp",
    "Level",
    "Levels",
    "Listening",
    "Message",
    "NameAddr",
    "Notification",
    "Notifications",
    "Participant",
    "Playback",
    "PluginError",
    "PrivateTalk",
    "Progress",
    "Prompt",
    "Quality",
    "Reason",
    "Recording",
    "Refer",
    "Replaced",
    "Room",
    "RtpResumed",
    "RtpTimeout",
    "SemsError",
    "Server",
    "SipRequest",
    "SipResponse",
    "SipUri",
    "Sound",
    "SoundNotFound",
    "Speaking",
    "StartError",
    "StreamResumed",
    "StreamStopped",
    "Subscription",
    "Tap",
    "Trace",
    "TraceError",
    "TracedCall",
    "Transfer",
    "Transferring",
    "WrongState",
    "__version__",
]
