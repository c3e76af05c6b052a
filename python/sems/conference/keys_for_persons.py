"""What is keyed in to do something with one person: who is meant by his place among those who are here, or
among those who wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .action import Action, at, done, moderates, whose
from .commands import (
    Admit,
    GiveFloor,
    LowerHand,
    Mute,
    Remove,
    SetGain,
    SetRole,
    SetVolume,
    TakeFloor,
    TurnAway,
    Unmute,
)
from .participant import Participant, Role
from .settings import Mode

if TYPE_CHECKING:
    from .command import Command
    from .member import Member
    from .model import ConferenceModel

#: By so much, in dB, somebody becomes softer or louder with one press.
STEP: Final = 3.0


def _floor(room: ConferenceModel, _: int, id: int) -> Command:
    return TakeFloor(id) if id in room.floor else GiveFloor(id, time.time())


def _mute(room: ConferenceModel, _: int, id: int) -> Command:
    return Unmute(id) if room.present(id).muted else Mute(id)


def _volume(step: float) -> Callable[[ConferenceModel, int, int], Command]:
    def make(room: ConferenceModel, by: int, id: int) -> Command:
        return SetVolume(id, (room.volumes(by).get(id, 0.0) + step) or None)

    return make


def _gain(step: float) -> Callable[[ConferenceModel, int, int], Command]:
    return lambda room, _, id: SetGain(id, room.present(id).gain + step)


def _role(role: Role) -> Callable[[ConferenceModel, int, int], Command]:
    return lambda _, __, id: SetRole(id, role)


def _on(
    make: Callable[[ConferenceModel, int, int], Command],
    useful: Callable[[ConferenceModel, Participant], bool],
) -> Callable[[str], Action]:
    """What is done with somebody who is here."""

    def act(member: Member, place: str) -> None:
        room = member.conference.model
        id = at(room, place)
        wanted = make(room, member.id, id)
        member.conference.do(wanted, by=member.id)
        done(member, id, on=not isinstance(wanted, (TakeFloor, Unmute)))

    return lambda prompt: Action(act, useful, prompt, places=PERSON, of_person=True)


def _waiting(make: Callable[[int], Command]) -> Callable[[Member, str], None]:
    """What is done with somebody who waits."""

    def act(member: Member, place: str) -> None:
        id = whose(member.conference.model.waiting_places, place)
        member.conference.do(make(id), by=member.id)
        done(member, id)

    return act


def _who(member: Member, place: str) -> None:
    done(member, at(member.conference.model, place))


def has_others(room: ConferenceModel, _: Participant) -> bool:
    """There is somebody with whom something can be done."""
    return len(room.participants) > 1


def steers_others(room: ConferenceModel, him: Participant) -> bool:
    """There is somebody whom he can steer."""
    return him.moderates and len(room.participants) > 1


def _has_a_floor(room: ConferenceModel, him: Participant) -> bool:
    return steers_others(room, him) and room.settings.mode is not Mode.OPEN


def _has_hands(room: ConferenceModel, him: Participant) -> bool:
    return him.moderates and any(id != him.id for id in room.hands)


def _has_guests(room: ConferenceModel, him: Participant) -> bool:
    return him.moderates and bool(room.waiting)


#: How help names the open place of a code.
PERSON: Final = {"+": "key-person"}

ACTIONS: Final[dict[str, Action]] = {
    "who": Action(_who, has_others, prompt="key-who", places=PERSON, of_person=True),
    "give_floor": _on(_floor, _has_a_floor)("key-give-floor"),
    "mute_other": _on(_mute, steers_others)("key-mute-other"),
    "softer_for_me": _on(_volume(-STEP), has_others)("key-softer-for-me"),
    "louder_for_me": _on(_volume(STEP), has_others)("key-louder-for-me"),
    "lower_hand": _on(lambda _, __, id: LowerHand(id), _has_hands)("key-lower-hand"),
    "moderator": _on(_role(Role.MODERATOR), steers_others)("key-moderator"),
    "speaker": _on(_role(Role.SPEAKER), moderates)("key-speaker"),
    "listener": _on(_role(Role.LISTENER), moderates)("key-listener"),
    "softer_for_all": _on(_gain(-STEP), steers_others)("key-softer-for-all"),
    "louder_for_all": _on(_gain(STEP), steers_others)("key-louder-for-all"),
    "remove": _on(lambda _, __, id: Remove(id), steers_others)("key-remove"),
    "admit_one": Action(_waiting(Admit), _has_guests, prompt="key-admit-one", places={"+": "key-place"}),
    "turn_away": Action(_waiting(TurnAway), _has_guests, prompt="key-turn-away", places={"+": "key-place"}),
}
"""By their names in ``[keys]``, in the order in which help speaks them."""
