"""The API of conferences: one door, among others, to the commands of the model."""

from __future__ import annotations

import time

from starlette.types import ASGIApp

from ..conference import (
    Admit,
    AdmitAll,
    Command,
    Conference,
    Gather,
    GiveFloor,
    Lock,
    LowerHand,
    Move,
    Mute,
    NotAllowed,
    NotHere,
    RaiseHand,
    Readmit,
    Remove,
    SetGain,
    SetMaxMembers,
    SetMode,
    SetModeratorPin,
    SetPin,
    SetPins,
    SetQuiet,
    SetRole,
    SetTalkTime,
    SetVolume,
    SetWaitForModerator,
    SetWaitingRoom,
    TakeFloor,
    Talk,
    TurnAway,
    Unlock,
    Unmute,
)
from .endpoint import SINCE, Ask, Endpoint, answer
from .feed import ConferenceReader, Feeds
from .stream import EventStream, Streams
from .views import (
    ConferenceList,
    ConferenceView,
    ConferenceWish,
    Done,
    EventView,
    Me,
    ParticipantView,
    ParticipantWish,
)


class ConferenceApi:
    """Shows conferences and takes commands."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._feeds = Feeds()

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to conferences."""
        one = "/conferences/{name}"
        participant = one + "/participants/{participant}"
        return [
            Endpoint(
                method="GET",
                path="/me",
                handle=self.me,
                name="getMe",
                summary="Whom this credential stands for",
                who="participant",
                answer=Me,
            ),
            Endpoint(
                method="GET",
                path="/conferences",
                handle=self.list,
                name="listConferences",
                summary="All conferences, or those of the rooms of the token",
                answer=ConferenceList,
            ),
            Endpoint(
                method="POST",
                path=participant + "/readmit",
                handle=self.readmit,
                name="readmitParticipant",
                summary="Bring back one who was removed a moment ago",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="POST",
                path=participant + "/admit",
                handle=self.admit,
                name="admitParticipant",
                summary="Let in one who waits",
                answer=Done,
                errors=(403, 404, 409),
            ),
            Endpoint(
                method="POST",
                path=one + "/admit",
                handle=self.admit_all,
                name="admitAll",
                summary="Let in all who wait, as long as there is room",
                answer=Done,
                errors=(403, 404, 409),
            ),
            Endpoint(
                method="POST",
                path=one + "/gather",
                handle=self.gather,
                name="gather",
                summary="Bring everybody back from the side rooms",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="POST",
                path=one + "/talk",
                handle=self.talk,
                name="talk",
                summary="Be heard now: unmutes, and a moderator takes the floor",
                who="participant",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="GET",
                path=participant,
                handle=self.show_participant,
                name="getParticipant",
                summary="A participant",
                answer=ParticipantView,
                errors=(403, 404),
            ),
            Endpoint(
                method="PATCH",
                path=participant,
                handle=self.change_participant,
                name="changeParticipant",
                summary="Mute, raise or lower a hand, give or take the floor, move; role and volume",
                body=ParticipantWish,
                answer=Done,
                errors=(403, 404, 409, 413, 415, 422),
            ),
            Endpoint(
                method="DELETE",
                path=participant,
                handle=self.remove,
                name="removeParticipant",
                summary="Remove from the conference, or turn away one who waits",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="GET",
                path=one + "/events",
                handle=self.follow,
                name="followConference",
                summary=(
                    "Follow the conference by Server-Sent Events. Unnamed events are changes, with their "
                    "sequence number as id; `snapshot` is the whole conference and comes first, unless the "
                    "reader told the id of the last event that he knows; `levels` has dBov by participant, "
                    "at most ten times a second; `quality` has what lines are like by participant (loss in "
                    "percent, jitter in milliseconds, mos), of those for whom it has changed, at most once a "
                    "second; `beat` says that the line is alive; `ended` is the last."
                ),
                answer=EventView,
                media_type="text/event-stream",
                query=SINCE,
                errors=(403, 404, 422),
            ),
            Endpoint(
                method="GET",
                path=one,
                handle=self.show,
                name="getConference",
                summary="A conference",
                answer=ConferenceView,
                errors=(403, 404),
            ),
            Endpoint(
                method="PATCH",
                path=one,
                handle=self.change,
                name="changeConference",
                summary="Change what holds in the room",
                body=ConferenceWish,
                answer=Done,
                errors=(403, 404, 413, 415, 422),
            ),
        ]

    async def me(self, ask: Ask) -> ASGIApp:
        """Whom the credential stands for."""
        member = ask.caller.must_be_participant()
        keys = {name: code for name, code in ask.server.config.keys if code}
        return answer(Me(conference=member.conference.name, participant=member.id, keys=keys))

    async def list(self, ask: Ask) -> ASGIApp:
        """All conferences that are the caller's business."""
        if ask.caller.member:
            raise NotAllowed("Only the operator can do this.", "only_operator")
        found = [ConferenceView.of(each) for each in ask.server.conferences if ask.caller.is_for(each.name)]
        return answer(ConferenceList(conferences=found))

    async def show(self, ask: Ask) -> ASGIApp:
        """One conference."""
        return answer(ConferenceView.of(conference_of(ask, lobby=True), ask.caller.id))

    async def change(self, ask: Ask) -> ASGIApp:
        """What holds in it."""
        conference = conference_of(ask)
        wish = await ask.body(ConferenceWish)
        commands: list[Command] = []
        if wish.mode is not None:
            commands.append(SetMode(wish.mode))
        switches = (
            (SetWaitingRoom, wish.waiting_room),
            (SetWaitForModerator, wish.wait_for_moderator),
            (SetQuiet, wish.quiet),
        )
        commands += [switch(on) for switch, on in switches if on is not None]
        given = wish.model_fields_set
        if "max_members" in given:
            commands.append(SetMaxMembers(wish.max_members))
        if {"pin", "moderator_pin"} <= given:
            commands.append(SetPins(wish.pin, wish.moderator_pin))
        elif "pin" in given:
            commands.append(SetPin(wish.pin))
        elif "moderator_pin" in given:
            commands.append(SetModeratorPin(wish.moderator_pin))
        if wish.locked is not None:
            commands.append(Lock() if wish.locked else Unlock())
        if "talk_time" in given:
            commands.append(SetTalkTime(wish.talk_time))
        return done(ask, conference, *commands)

    async def show_participant(self, ask: Ask) -> ASGIApp:
        """One participant."""
        conference = conference_of(ask)
        id = _participant(ask)
        participant = conference.model.participants.get(id)
        if participant is None:
            raise NotHere
        me, model = ask.caller.id, conference.model
        inside = me is not None and model.hears_in_talk(me, id)
        return answer(ParticipantView.of(participant, model, own=id == me, inside=inside))

    async def change_participant(self, ask: Ask) -> ASGIApp:
        """His microphone, his hand and the floor."""
        conference = conference_of(ask)
        id = _participant(ask)
        wish = await ask.body(ParticipantWish)
        commands: list[Command] = []
        if wish.muted is not None:
            commands.append(Mute(id) if wish.muted else Unmute(id))
        if wish.hand is not None:
            commands.append(RaiseHand(id) if wish.hand else LowerHand(id))
        if wish.floor is not None:
            commands.append(GiveFloor(id, time.time()) if wish.floor else TakeFloor(id))
        if wish.role is not None:
            commands.append(SetRole(id, wish.role))
        if wish.gain is not None:
            commands.append(SetGain(id, wish.gain))
        if "volume" in wish.model_fields_set:
            commands.append(SetVolume(id, wish.volume))
        if "side_room" in wish.model_fields_set:
            commands.append(Move(id, wish.side_room))
        return done(ask, conference, *commands)

    async def remove(self, ask: Ask) -> ASGIApp:
        """Takes him out of the room, or of the queue before it."""
        conference = conference_of(ask)
        id = _participant(ask)
        return done(ask, conference, TurnAway(id) if id in conference.model.waiting else Remove(id))

    async def admit(self, ask: Ask) -> ASGIApp:
        """Lets him in."""
        return done(ask, conference_of(ask), Admit(_participant(ask)))

    async def admit_all(self, ask: Ask) -> ASGIApp:
        """Lets all in."""
        return done(ask, conference_of(ask), AdmitAll())

    async def gather(self, ask: Ask) -> ASGIApp:
        """Brings all back."""
        return done(ask, conference_of(ask), Gather())

    async def readmit(self, ask: Ask) -> ASGIApp:
        """Takes that back."""
        return done(ask, conference_of(ask), Readmit(_participant(ask)))

    async def talk(self, ask: Ask) -> ASGIApp:
        """Lets the caller be heard."""
        return done(ask, conference_of(ask), Talk())

    async def follow(self, ask: Ask) -> ASGIApp:
        """The stream of events."""
        conference = conference_of(ask, lobby=True, removed=True)
        reader = ConferenceReader(self._feeds, conference, ask.caller.member, ask.since())
        return EventStream(reader, self._streams, ask.caller.name, ask.browser)


def conference_of(ask: Ask, *, lobby: bool = False, removed: bool = False) -> Conference:
    """The conference in the path, if it is the business of whoever asks."""
    return ask.caller.conference(ask.server, ask.path("name"), lobby=lobby, removed=removed)


def _participant(ask: Ask) -> int:
    """The id in the path; ``me`` is the caller's own."""
    id = ask.path("participant")
    if id == "me" and ask.caller.id is not None:
        return ask.caller.id
    if (number := ask.number("participant")) is None:
        raise NotHere
    return number


def done(ask: Ask, conference: Conference, *commands: Command) -> ASGIApp:
    """Carries out the commands, all or none."""
    conference.do(*commands, by=ask.caller.id)
    return answer(Done(sequence=conference.model.sequence))
