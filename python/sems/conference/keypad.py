"""What a participant keys in on his phone: a door to the same commands as the page."""

from __future__ import annotations

import re
import time
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Final

from . import keys_for_persons, keys_for_rooms
from .action import Action, NoSuchNumber, at, command, done, moderates, say_name
from .commands import (
    AcceptTalk,
    AdmitAll,
    AskToTalk,
    CancelCall,
    Coach,
    Command,
    DeclineTalk,
    Dial,
    Gather,
    GiveFloor,
    LeaveTalk,
    Lock,
    LowerHand,
    Move,
    Mute,
    RaiseHand,
    Redial,
    SetBackground,
    TakeFloor,
    Talk,
    Unlock,
    Unmute,
)
from .errors import NoSuchCall, NoSuchTalk, NotHere
from .keys_for_persons import PERSON, STEP, has_others, steers_others
from .minutes import Record, RecordingState, StopRecording
from .participant import Participant
from .settings import Mode, Who
from .talks import Background, TalkKind

if TYPE_CHECKING:
    from ..config.keys import KeySettings
    from .member import Member
    from .model import ConferenceModel

#: Keys that make no code with what follows within this time, in seconds, are forgotten.
PATIENCE: Final = 5.0

#: So many keys has a code at most, and what is keyed in for its open places.
LONGEST: Final = 64

_KEYS: Final = {"*": "key-star", "#": "key-pound", "?": "key-six-digits", "+": "key-number"}

_MOVING: Final = {"+": "key-person-or-me", "?": "key-side-room", "++": "key-side-room"}
_MOVING_BESIDE: Final = {**_MOVING, "++": "key-beside"}

#: The number of a side room has so many digits at most.
LONGEST_ROOM: Final = 3

#: So much, in dB, the room can become softer or louder in all.
FARTHEST: Final = 12.0


def _mute(room: ConferenceModel, id: int) -> Command:
    return Unmute(id) if room.muted(room.participants[id]) else Mute(id)


def _hand(room: ConferenceModel, id: int) -> Command:
    return LowerHand(id) if id in room.hands else RaiseHand(id)


def _talk(room: ConferenceModel, id: int) -> Command:
    return TakeFloor(id) if id in room.floor and room.hears(room.participants[id]) else Talk()


def _lock(member: Member, _: str) -> None:
    on = not member.conference.model.settings.locked
    member.conference.do(Lock() if on else Unlock(), by=member.id)
    done(member, on=on)


def _admit(member: Member, _: str) -> None:
    member.conference.do(AdmitAll(), by=member.id)
    done(member)


def _gather(member: Member, _: str) -> None:
    member.conference.do(Gather(), by=member.id)
    done(member)


def _record(room: ConferenceModel, _: int) -> Command:
    off = room.recording.state is RecordingState.OFF
    return Record(time.time()) if off else StopRecording()


def _next(member: Member, _: str) -> None:
    room = member.conference.model
    first = next((id for id in room.hands if room.participants[id].side_room is None), None)
    if first is None:
        raise NotHere
    back = [TakeFloor(id) for id in room.floor if not room.participants[id].moderates]
    member.conference.do(*back, GiveFloor(first, time.time()), by=member.id)
    done(member, first)


def _silence(member: Member, _: str) -> None:
    others = [each for each in member.conference.model.participants.values() if not each.moderates]
    member.conference.do(*(Mute(each.id) for each in others), by=member.id)
    done(member)


def _dial(member: Member, number: str) -> None:
    member.conference.do(Dial(number), by=member.id)
    done(member)


def _redial(member: Member, _: str) -> None:
    member.conference.do(Redial(_last(member, going_on=False)), by=member.id)
    done(member)


def _cancel(member: Member, _: str) -> None:
    member.conference.do(CancelCall(_last(member, going_on=True)), by=member.id)
    done(member)


def _last(member: Member, *, going_on: bool) -> int:
    """The call that was dialled last, by himself if he is no moderator. Raises NoSuchCall."""
    model = member.conference.model
    moderates = member.id in model.moderators
    ids = [
        call.id
        for call in model.calls.values()
        if call.going_on == going_on and (moderates or call.by == member.id)
    ]
    if not ids:
        raise NoSuchCall
    return max(ids)


def _may_dial(room: ConferenceModel, him: Participant) -> bool:
    who = room.settings.dial
    return who is Who.EVERYONE or (who is Who.MODERATORS and him.moderates)


def _may_redial(room: ConferenceModel, him: Participant) -> bool:
    return _may_dial(room, him) and _has_calls(room, him, going_on=False)


def _may_cancel(room: ConferenceModel, him: Participant) -> bool:
    return _has_calls(room, him, going_on=True)


def _has_calls(room: ConferenceModel, him: Participant, *, going_on: bool) -> bool:
    return any(
        call.going_on == going_on and (him.moderates or call.by == him.id) for call in room.calls.values()
    )


def _accept(room: ConferenceModel, id: int) -> Command:
    talk = room.talk_of(id)
    if talk is None:
        raise NoSuchTalk
    return AcceptTalk(talk.id)


def _back(room: ConferenceModel, id: int) -> Command:
    if talk := room.talk_of(id):
        return DeclineTalk(talk.id) if id in talk.asked else LeaveTalk(talk.id)
    if room.present(id).side_room is None:
        raise NoSuchTalk
    return Move(id, None)


def _background(room: ConferenceModel, id: int) -> Command:
    talk = room.talk_of(id)
    if talk is None:
        raise NoSuchTalk
    return SetBackground(talk.id, Background.SOFT if talk.room is Background.OFF else Background.OFF)


def _private(member: Member, place: str) -> None:
    id = at(member.conference.model, place)
    member.conference.do(AskToTalk((id,)), by=member.id)
    say_name(member, id)


def _coach(member: Member, place: str) -> None:
    id = at(member.conference.model, place)
    member.conference.do(Coach(id), by=member.id)
    say_name(member, id)


def _move(member: Member, places: str) -> None:
    # The last digit is the side room.
    _bring(member, places[:-1], places[-1])


def _move_far(member: Member, places: str) -> None:
    place, side_room = places.split()
    if len(side_room) > LONGEST_ROOM:
        raise NoSuchNumber(f"side rooms have numbers of up to {LONGEST_ROOM} digits")
    _bring(member, place, side_room)


def _move_beside(member: Member, places: str) -> None:
    place, other = places.split()
    model = member.conference.model
    _move_to(member, place, model.present(at(model, other)).side_room)


def _bring(member: Member, place: str, side_room: str) -> None:
    # 0 is the main room.
    _move_to(member, place, str(int(side_room)) if int(side_room) else None)


def _move_to(member: Member, place: str, room: str | None) -> None:
    # 0 is oneself.
    id = at(member.conference.model, place) if int(place) else member.id
    member.conference.do(Move(id, room), by=member.id)
    # Who goes himself hears it anyway.
    if id != member.id:
        done(member, id)


def _is_asked(room: ConferenceModel, him: Participant) -> bool:
    talk = room.talk_of(him.id)
    return talk is not None and him.id in talk.asked


def _is_away(room: ConferenceModel, him: Participant) -> bool:
    return room.talk_of(him.id) is not None or him.side_room is not None


def _is_private(room: ConferenceModel, him: Participant) -> bool:
    talk = room.talk_of(him.id)
    return him.private and talk is not None and talk.kind is TalkKind.PRIVATE


def _has_guests(room: ConferenceModel, him: Participant) -> bool:
    return him.moderates and bool(room.waiting)


def _has_side_rooms(room: ConferenceModel, him: Participant) -> bool:
    return him.moderates and any(each.side_room for each in room.participants.values())


def _has_floor_to_give(room: ConferenceModel, him: Participant) -> bool:
    return him.moderates and room.settings.mode is not Mode.OPEN


def _may_talk(room: ConferenceModel, him: Participant) -> bool:
    return room.settings.mode is not Mode.OPEN and (him.moderates or him.id in room.floor)


ACTIONS: Final[dict[str, Action]] = {
    "accept": Action(command(_accept), _is_asked, prompt="key-accept"),
    "back": Action(command(_back), _is_away, prompt="key-back"),
    "background": Action(command(_background), _is_private, prompt="key-background"),
    "mute": Action(command(_mute), prompt="key-mute"),
    "hand": Action(command(_hand), prompt="key-hand"),
    "talk": Action(command(_talk), _may_talk, prompt="key-talk"),
    "pair": Action(lambda member, code: member.pair(code), prompt="key-pair", outside=True),
    "code": Action(lambda member, _: member.speak_code(), prompt="key-code", outside=True),
    "help": Action(lambda member, _: member.help()),
    "count": Action(lambda member, _: member.say_count(), prompt="key-count"),
    "softer": Action(lambda member, _: member.nudge(-STEP), prompt="key-softer"),
    "louder": Action(lambda member, _: member.nudge(STEP), prompt="key-louder"),
    "private": Action(_private, has_others, prompt="key-private", places=PERSON),
    "coach": Action(_coach, steers_others, prompt="key-coach", places=PERSON),
    "move": Action(_move, moderates, prompt="key-move", places=_MOVING),
    "move_far": Action(_move_far, moderates, prompt="key-move", places=_MOVING),
    "move_beside": Action(_move_beside, _has_side_rooms, prompt="key-move", places=_MOVING_BESIDE),
    "gather": Action(_gather, _has_side_rooms, prompt="key-gather"),
    "admit": Action(_admit, _has_guests, prompt="key-admit"),
    "lock": Action(_lock, moderates, prompt="key-lock"),
    "record": Action(command(_record), moderates, prompt="key-record"),
    "dial": Action(_dial, _may_dial, prompt="key-dial"),
    "redial": Action(_redial, _may_redial, prompt="key-redial"),
    "cancel": Action(_cancel, _may_cancel, prompt="key-cancel"),
    "next": Action(_next, _has_floor_to_give, prompt="key-next"),
    "silence": Action(_silence, steers_others, prompt="key-silence"),
    **keys_for_rooms.ACTIONS,
    **keys_for_persons.ACTIONS,
}
"""What can be keyed in, by its name in ``[keys]``, in the order in which help speaks it."""


def codes(keys: KeySettings) -> dict[str, str]:
    """The name of each action by its code."""
    return {code: name for name in ACTIONS if (code := getattr(keys, name))}


def spoken(
    room: ConferenceModel, him: Participant, keys: KeySettings, without: Container[str] = ()
) -> list[str]:
    """The names of the sounds that tell him what he can key in as things are, but for actions that are
    of no use for a reason that the room does not know."""
    sounds: list[str] = []
    begun = ""
    for name, action in ACTIONS.items():
        code = getattr(keys, name)
        if not action.prompt or not code or name in without or not action.useful(room, him):
            continue
        named = {**_KEYS, **action.places}
        if action.of_person:
            end = code.index("+") + 2
            first, code = code[:end], code[end:]
            if first != begun:
                sounds += ["key-for-person", *_spoken(first, named), "key-then"]
                begun = first
        sounds += [action.prompt, *_spoken(code, named)]
    return sounds


def spoken_code(code: str) -> list[str]:
    """The names of the sounds that tell what is to be keyed in."""
    return _spoken(code, _KEYS)


def _spoken(code: str, named: Mapping[str, str]) -> list[str]:
    sounds: list[str] = []
    for key in re.sub(r"\?+", "?", code):
        # The second number of a code has a name of its own.
        again = key == "+" and named["+"] in sounds
        sounds.append(named["++"] if again else named.get(key, f"digit-{key}"))
    return sounds


class Keypad:
    """Makes codes of keys. A code begins with ``*`` or ``#``; anything else means nothing.

    In a code, ``?`` is any digit and ``+`` is one digit or more; what is keyed in for a second ``+`` stands
    behind a blank.
    """

    def __init__(self, codes: Mapping[str, str]) -> None:
        """``codes``: the name of what is meant, by its code."""
        self._codes = codes
        self._keys = ""
        self._pressed_at = 0.0

    def press(self, key: str, now: float) -> tuple[str, str] | None:
        """The name of what this key completes, and what was keyed in for the open places of its code.
        ``now`` is in seconds."""
        if now - self._pressed_at > PATIENCE or len(self._keys) >= LONGEST:
            self._keys = ""
        self._pressed_at = now
        # Who begins anew in the middle of a code has made a mistake before.
        for keys in (self._keys + key, key):
            partly = False
            for code, name in self._codes.items():
                places = _match(code, keys)
                if places is not None and places[1]:
                    self._keys = ""
                    return name, places[0]
                partly = partly or places is not None
            if partly:
                self._keys = keys
                return None
        self._keys = ""
        return None


def _match(code: str, keys: str) -> tuple[str, bool] | None:
    """What stands at the open places, and whether the code is complete; ``None``: the keys are no
    beginning of it."""
    places, at = "", 0
    for index, want in enumerate(code):
        if at == len(keys):
            return places, False
        if want == "+":
            more, first = code[index + 1 :], at
            while at < len(keys) and keys[at].isdecimal():
                at += 1
            places += " " * bool(places) + keys[first:at]
            if first == at or (at == len(keys) and more):
                return (places, False) if at == len(keys) else None
        elif want == "?" and keys[at].isdecimal():
            places, at = places + keys[at], at + 1
        elif want == keys[at]:
            at += 1
        else:
            return None
    return (places, True) if at == len(keys) else None
