"""What the API sends and takes: the schema of everything that crosses it."""

from .base import Problem, View, Wish, moment
from .conference import (
    ConferenceList,
    ConferenceView,
    ConferenceWish,
    Done,
    EventView,
    FiguresView,
    LineView,
    Me,
    ParticipantView,
    ParticipantWish,
    SettingsView,
)
from .dialling import Dialled, DiallingView, DialWish
from .operator import (
    AccountView,
    CallList,
    CallView,
    ConferenceSummary,
    Overview,
    PhoneView,
    QualityView,
    Registrations,
    Stats,
)
from .pairing import ClaimWish, LinkView, PairingOpened, PairingState
from .recordings import RecordedList, RecordedView, RecordingView, RecordingWish
from .talk import TalkChange, TalkDone, TalkView, TalkWish
from .text import FailureView, MessageView, MessageWish, Sent
from .trace import TracedCallList, TracedCallView, TraceEntryView, TraceView

__all__ = [
    "AccountView",
    "CallList",
    "CallView",
    "ClaimWish",
    "ConferenceList",
    "ConferenceSummary",
    "ConferenceView",
    "ConferenceWish",
    "DialWish",
    "Dialled",
    "DiallingView",
    "Done",
    "EventView",
    "FailureView",
    "FiguresView",
    "LineView",
    "LinkView",
    "Me",
    "MessageView",
    "MessageWish",
    "Overview",
    "PairingOpened",
    "PairingState",
    "ParticipantView",
    "ParticipantWish",
    "PhoneView",
    "Problem",
    "QualityView",
    "RecordedList",
    "RecordedView",
    "RecordingView",
    "RecordingWish",
    "Registrations",
    "Sent",
    "SettingsView",
    "Stats",
    "TalkChange",
    "TalkDone",
    "TalkView",
    "TalkWish",
    "TraceEntryView",
    "TraceView",
    "TracedCallList",
    "TracedCallView",
    "View",
    "Wish",
    "moment",
]
