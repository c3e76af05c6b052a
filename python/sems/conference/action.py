"""What a code that is keyed in on a telephone is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import SemsError
from .command import Command
from .errors import NotHere
from .participant import Participant

if TYPE_CHECKING:
    from ..audio.sounds import Sound
    from .member import Member
    from .model import ConferenceModel


class NoSuchNumber(SemsError):
    """What was keyed in for a number is none that can be meant."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a code is for."""

    act: Callable[[Member, str], None]
    """Does it. The text is what was keyed in for the open places of the code. Raises Refused, or
    NoSuchNumber."""
    useful: Callable[[ConferenceModel, Participant], bool] = lambda _room, _him: True
    """Whether help names it to him as things are."""
    prompt: str | None = None
    """The sound with which help names it, before the keys; ``None``: help does not speak of it."""
    outside: bool = False
    """Also one who waits to be let in can do it."""
    places: Mapping[str, str] = field(default_factory=dict)
    """The sounds with which help names the open places of its code, where others fit better."""
    of_person: bool = False
    """What is done with somebody whose place is keyed in. Help names the keys with which all of these begin
    only once."""


def command(make: Callable[[ConferenceModel, int], Command | None]) -> Callable[[Member, str], None]:
    """An act that gives a command; ``None``: there is nothing to do."""

    def act(member: Member, _: str) -> None:
        model = member.conference.model
        if wanted := make(model, member.id):
            member.conference.do(wanted, by=member.id)

    return act


def at(room: ConferenceModel, place: str) -> int:
    """Who of those who are here has this place. Raises NotHere."""
    return whose(room.places, place)


def whose(places: Mapping[int, int], place: str) -> int:
    """The id of the one who has this place among them. Raises NotHere."""
    for id, number in places.items():
        if number == int(place):
            return id
    raise NotHere


def say_name(member: Member, id: int, *before: str) -> None:
    """Speaks to him whom he has meant, if that one has spoken his name: he has keyed in a number only."""
    other = member.conference.members.get(id)
    spoken = [other.speech.name] if other and other.speech.name else []
    sounds: list[Sound] = [*before, *spoken]
    if sounds:
        member.start_sound(sounds)


def done(member: Member, id: int | None = None, *, on: bool = True) -> None:
    """Lets him hear that it was done: a beep, two if something was switched off, and whom he has meant."""
    # Without a gap two would be one that is longer.
    beeps = ["tone:beep"] if on else ["tone:beep", "tone:silence:100", "tone:beep"]
    if id is None:
        member.start_sound(beeps)
    else:
        say_name(member, id, *beeps)


def moderates(_: ConferenceModel, him: Participant) -> bool:
    """He is a moderator."""
    return him.moderates
