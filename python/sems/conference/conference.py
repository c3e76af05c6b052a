"""A conference as calls take part in it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .. import checks, words
from ..audio import lines
from ..errors import EngineError, SoundNotFound, WrongState
from ..sip.headers import SipUri
from .commands import Command, Mute
from .dialler import Dialler
from .dialling import printable
from .errors import Refused, RoomLocked, WrongPin
from .events import Event, Gone, Joined, LobbyChanged, ModeChanged, ParticipantChanged
from .floor_clock import FloorClock
from .floor_keeper import FloorKeeper
from .focus import Focus
from .knocker import Knocker
from .member import Member
from .minutes import Record, RecordingKind
from .mixing import Mixing
from .model import ConferenceModel
from .overrides import BadParameter, chosen, role_of, settings_for
from .participant import Presence, Role
from .phones import allows
from .pin import ask_pin
from .recorder import Recorder
from .rooms import Rooms
from .settings import Mode, Settings, Who
from .side_rooms import plain
from .speech import Speech
from .talk_bell import TalkBell
from .texting import send_lines_to_phones

if TYPE_CHECKING:
    from ..audio.room import Room
    from ..call import Call
    from ..config import RoomSettings
    from ..engine import Quality
    from .participant import Participant
    from .registry import Conferences


class Conference:
    """The people of one conference, their calls, and the room in which these are mixed.

    Got by :meth:`Conferences.get() <sems.conference.registry.Conferences.get>`.

    >>> from sems.conference import Mute
    >>> @app.call
    ... async def main(call: Call) -> None:
    ...     conference = call.server.conferences.get("standup")
    ...     await conference.join(call, name="Anna", pin=None)
    >>> conference = server.conferences.get("standup")
    >>> for participant in conference.model.participants.values():
    ...     conference.do(Mute(participant.id), by=None)
    """

    def __init__(self, name: str, conferences: Conferences, sequence: int) -> None:
        server = conferences.server
        self.name = name
        self.server = server
        self.app_name: str | None = None
        """The app by which the first came in."""
        self.settings = server.config.room(name)
        self.links = conferences.links
        self.pairings = conferences.pairings
        self.model: ConferenceModel = ConferenceModel(
            moderator=_who_moderates(self.settings),
            settings=self._from_the_start(self.settings),
            sequence=sequence,
        )
        """What is true of it. Changed by :meth:`do` and by what happens on the calls."""
        said = [texts["mainRoom"] for texts in words.known(server.config.data).texts.values()]
        self.model.main_room_names = {plain(each) for each in (name, *said)}
        self._server = server
        self._conferences = conferences
        self._members: dict[int, Member] = {}
        self._ids: dict[int, int] = {}
        self.rooms = Rooms(self._open_room, self._on_levels)
        """Where they are mixed."""
        self.mixing = Mixing(self.model, self.rooms, server.spawn, self._on_moved)
        """Keeps the calls there as the model says."""
        self._welcomed = False
        self._guesses = conferences.guesses(name)
        self._at_the_door = 0
        self._level_followers = 0
        self.recorder = Recorder(self, server, conferences.archive)
        """Writes down what is said."""
        TalkBell(self)
        Knocker(self)
        self.model.subscribe(self._on_event)
        FloorClock(self)
        FloorKeeper(self)
        self._dialler = Dialler(self, conferences.exchange)
        send_lines_to_phones(self)
        self.focus = Focus(self)
        """Tells those who have subscribed to it."""

    @property
    def members(self) -> Mapping[int, Member]:
        """The calls that take part, by the id of the participant; also those that were just removed."""
        return MappingProxyType(self._members)

    def member_of(self, call: Call) -> Member | None:
        """The member whose call this is."""
        checks.call("call", call)
        id = self._ids.get(call.id)
        return None if id is None else self._members.get(id)

    def sends_texts_to(self, call: Call) -> bool:
        """What is written here goes to the phone of this call, which has said that it takes texts."""
        checks.call("call", call)
        return self.settings.texts_to_phones and allows(call, "MESSAGE") is True

    def do(self, *commands: Command, by: int | None) -> None:
        """Carries out what participant ``by`` (``None``: the operator) asks for: all of it, or nothing.

        Raises Refused.
        """
        for command in commands:
            checks.kind("each of commands", command, "a command, such as Mute(7)", Command)
        checks.whole("by", by, 0, checks.HIGHEST, none=True)
        self.model.do(*commands, by=by)

    def follow_levels(self, callback: Callable[[Mapping[int, int]], None]) -> Callable[[], None]:
        """Tells ``callback`` how loud who sounds is, in dBov by participant, up to ten times a second;
        returns what ends that. Levels are read only while somebody follows them."""
        checks.callback("callback", callback)
        unsubscribe = self.model.subscribe_levels(callback)
        self._level_followers += 1
        if self._level_followers == 1:
            self.rooms.watch_levels(True)

        def unfollow() -> None:
            unsubscribe()
            self._level_followers -= 1
            if self._level_followers == 0:
                self.rooms.watch_levels(False)

        return unfollow

    def follow_quality(self, callback: Callable[[Mapping[int, Quality]], None]) -> Callable[[], None]:
        """Tells ``callback`` what the lines are like, by participant, once a second; returns what ends
        that. Lines are read only while somebody follows them."""
        checks.callback("callback", callback)

        def tell(figures: Mapping[int, Quality]) -> None:
            known = {self._ids[call]: quality for call, quality in figures.items() if call in self._ids}
            for participant, quality in known.items():
                self.model.report_loss(participant, quality.loss)
            callback(known)

        return lines.follow(self._server.engine, self._ids.keys, tell)

    async def join(
        self,
        call: Call,
        *,
        role: Role | Literal["moderator", "speaker", "listener"] | None = None,
        name: str | None = None,
        muted: bool = False,
        **options: Any,
    ) -> None:
        """Lets the call take part, and returns when it has left.

        >>> await server.conferences.get("standup").join(call, role="speaker", name="Anna", pin=None)

        It is answered with a link to its page, unless it has been answered before. Who is not let in
        hears why, and is rejected. ``role``, or else the parameter ``role`` of the call (``moderator``,
        ``speaker`` or ``listener``, or ``moderator=yes``), overrides what the configuration says about
        moderators. ``name``: as whom the others see him; None: the caller's name. ``muted``: he is, until he
        unmutes himself.

        ``options``: what holds for this call instead of what ``[rooms]`` says, by the same names, such as
        ``pin=None`` (it is not asked), ``waiting_room``, ``announce_names`` or ``language``. Raises TypeError
        for a name that is none of these, ValueError for a value that does not fit, and WrongState for a call
        that takes part in a conference already.
        """
        checks.call("call", call)
        if role is not None:
            checks.one_of("role", str(role) if isinstance(role, str) else role, *map(str, Role))
        checks.text("name", name, none=True)
        checks.flag("muted", muted)
        current = self._conferences.get(self.name)
        if current is not self:
            # The last member left while the caller of this method was on his way.
            return await current.join(call, role=role, name=name, muted=muted, **options)
        with self._conferences.taking_part(call, self.name):
            await self._come_in(call, role, name, muted, options)

    async def _come_in(
        self,
        call: Call,
        role: Role | str | None,
        name: str | None,
        muted: bool,
        options: Mapping[str, Any],
    ) -> None:
        if self.links.lead_back(call.headers.all("Call-Info")):
            # A room that has dialled its way to us, and would hear itself.
            return await call.reject(482)
        try:
            # What others at the door say of the room holds for nobody else while none of them is in it.
            so_far = self.settings if self._members else self.server.config.room(self.name)
            settings = chosen(settings_for(call, so_far), options)
            role = role_of(call) if role is None else Role(role)
        except BadParameter as bad:
            # What it says may be what keeps others out, so the room is not opened without it.
            call.log.error("a parameter of the call does not fit", parameter=bad.parameter, why=str(bad))
            reason = f"Bad parameter {bad.parameter}"
            if call.state == "answered":
                return await call.hangup(reason, cause=400)
            return await call.reject(400, reason)
        if not self._members:
            self._begin(settings)
        link = self.links.early(call.link) or self.links.reserve()
        speech = Speech(call, settings.language)
        self._at_the_door += 1
        try:
            pins = self._pins({*call.params, *options}, settings)
            if role is not Role.MODERATOR and any(pins) and call.direction == "in":
                # A locked room is open to moderators, and who has their PIN is one.
                if pins[1] is None:
                    self.model.must_be_open()
                await self._answer(call, link)
                role = await ask_pin(call, speech, self._guesses, *pins) or role
            if role is not Role.MODERATOR:
                self.model.must_be_open()
            if settings.announce_names and call.direction == "in":
                await self._answer(call, link)
                speech.name = await self._conferences.spoken_names.ask(call, speech)
            # The last member may have left while this one was still at the door.
            current = self._conferences.get(self.name)
            if not current.members:
                current._begin(settings)
            own = {*call.params, *options}
            wait = settings.waiting_room if "waiting_room" in own else None
            for_moderator = settings.wait_for_moderator if "wait_for_moderator" in own else None
            await current._take_part(call, link, speech, role, name, wait, for_moderator, muted)
        except Refused as refused:
            await self._turn_away(call, speech, refused)
        finally:
            self.links.end(link)
            speech.forget_name()
            self._at_the_door -= 1
            self._forget_if_unused()

    def _forget_if_unused(self) -> None:
        """Nobody came in."""
        if not self._members and not self._at_the_door:
            self._conferences.vanish(self)

    async def _take_part(
        self,
        call: Call,
        link: str,
        speech: Speech,
        role: Role | None,
        name: str | None,
        wait: bool | None,
        wait_for_moderator: bool | None,
        muted: bool,
    ) -> None:
        participant = self.model.admit(
            printable(name or "") or _name_of(call),
            presence=Presence.DIALLED if call.direction == "out" else Presence.PHONE,
            role=role,
            texts=self.sends_texts_to(call),
            address="" if call.privacy else call.caller_uri,
            wait=wait,
            wait_for_moderator=wait_for_moderator,
        )
        if muted:
            self.model.do(Mute(participant.id), by=participant.id)
        await self.attend(call, participant, link, speech)

    async def attend(self, call: Call, participant: Participant, link: str, speech: Speech) -> None:
        """The call is that participant's, who was let in; returns when he has left. ``link``: the token
        for his page."""
        self.app_name = self.app_name or call.app_name
        member = self._members[participant.id] = Member(self, participant, call, link, speech)
        call.may_listen = True
        self._ids[call.id] = member.id
        try:
            await self.rooms.of(None)
            await self._answer(call, link)
            member.outbox.welcome()
            await member.wait_in_the_lobby()
            if not member.turned_away:
                await member.enter()
                if self.settings.record and not (self.recorder.made or self.recorder.stopped):
                    kind = "mix" if self.settings.record is True else self.settings.record
                    self.model.do(Record(time.time(), RecordingKind(kind)), by=None)
                self._greet(member)
            await call.wait_ended()
        finally:
            self._dismiss(member)

    async def _answer(self, call: Call, link: str) -> None:
        await call.be_focus()
        await call.answer(link=f"{self._server.base_url(call.local)}/c/{link}")

    def _begin(self, settings: RoomSettings) -> None:
        """Nobody is here yet, so what the first call says of the room holds."""
        self.settings = settings
        self.model.begin(self._from_the_start(settings), _who_moderates(settings))

    def _from_the_start(self, settings: RoomSettings) -> Settings:
        return replace(_settings(settings), dial=Who(self.server.config.dialout.who))

    def _pins(self, own: Collection[str], settings: RoomSettings) -> tuple[str | None, str | None]:
        """What this caller can key in: what holds in the room, or what his ``own`` settings say."""
        room = self.model.settings
        return (
            settings.pin if "pin" in own else room.pin,
            settings.moderator_pin if "moderator_pin" in own else room.moderator_pin,
        )

    async def _turn_away(self, call: Call, speech: Speech, refused: Refused) -> None:
        if isinstance(refused, WrongPin):
            await speech.say("wrong-pin-goodbye")
        if isinstance(refused, RoomLocked):
            # Said in early media: a phone that is given no more than a code shows a riddle.
            with contextlib.suppress(EngineError, SoundNotFound, WrongState):
                if call.state == "incoming":
                    await call.ring(183, early_media=True)
                await speech.say("room-locked")
        if call.state == "answered":
            await call.hangup(str(refused), cause=403)
        elif isinstance(refused, RoomLocked):
            await call.reject(403, "Room locked")
        else:
            await call.reject(486)

    def _open_room(self) -> asyncio.Task[Room]:
        opening = self._server.open_room(
            level_control=self.settings.level_control,
            noise_gate=self.settings.noise_gate,
            max_talkers=self.settings.max_talkers,
        )
        return asyncio.create_task(opening)

    def _greet(self, member: Member) -> None:
        here, said = len(self.model.participants), []
        if here == 1 and not self._welcomed:
            said = ["only-participant"]
        elif not self.model.settings.quiet:
            self._tell_of(member, "join", "has-joined")
            said = member.speech.place(here)
        self._welcomed = True
        member.speech.start(*said, *self.recorder.greeting(member.id))

    def _tell_of(self, member: Member, tone: str, what: str, side_room: str | None = None) -> None:
        """A tone, or his name as he has spoken it, to all who are in the room."""
        room = self.rooms.find(side_room)
        if self.model.settings.quiet or not room or not self.model.participants:
            return
        sounds = self._server.sounds
        if (name := member.speech.name) is None:
            room.start_play(sounds.tone(tone))
        else:
            with contextlib.suppress(SoundNotFound):
                language = self.model.settings.language
                told = room.start_play([sounds.tone(tone), name, sounds.spoken(what, language)])
                member.speech.tell(told)

    def _on_moved(self, member: Member, before: Room | None, after: Room | None) -> None:
        """He has gone from one room to another."""
        if before is None or after is None:
            return
        if self.model.settings.quiet:
            member.sound("join")
        else:
            before.start_play(self._server.sounds.tone("leave"))
            after.start_play(self._server.sounds.tone("join"))

    def _dismiss(self, member: Member) -> None:
        member.leave()
        self.model.leave(member.id)
        del self._members[member.id], self._ids[member.call.id]
        if not self._members:
            self._dialler.close()
            self._conferences.vanish(self)
            self._server.spawn(self.rooms.close())

    def _on_event(self, event: Event) -> None:
        if isinstance(event, ModeChanged):
            for each in self._members.values():
                each.on_mode()
        if isinstance(event, LobbyChanged) and (member := self._members.get(event.participant.id)):
            member.on_conference(event)
        if isinstance(event, ParticipantChanged) and (member := self._members.get(event.participant.id)):
            member.on_conference(event)
            if isinstance(event, Gone) and member.entered:
                self._tell_of(member, "leave", "has-left", event.participant.side_room)
            if isinstance(event, Joined) and event.readmitted:
                self._tell_of(member, "join", "has-joined", event.participant.side_room)

    def _on_levels(self, levels: Mapping[int, int]) -> None:
        self.model.report_levels(
            {self._ids[call]: level for call, level in levels.items() if call in self._ids}
        )


def _name_of(call: Call) -> str:
    """What its caller calls himself, or else his address."""
    uri = SipUri.parse(call.caller_uri)
    return next(filter(None, map(printable, (call.caller_name, uri.user or ""))), uri.host)


def _who_moderates(settings: RoomSettings) -> Literal["first", "everyone", "none"]:
    """Where moderators show themselves by a PIN, or are waited for, coming first makes nobody one."""
    if settings.moderator == "first" and (settings.moderator_pin or settings.wait_for_moderator):
        return "none"
    return settings.moderator


def _settings(settings: RoomSettings) -> Settings:
    """What holds in the room from the start."""
    return Settings(
        mode=Mode(settings.mode),
        waiting_room=settings.waiting_room,
        wait_for_moderator=settings.wait_for_moderator,
        quiet=not settings.join_sound,
        max_members=settings.max_members,
        pin=settings.pin,
        moderator_pin=settings.moderator_pin,
        language=settings.language,
        talk_time=settings.talk_time,
        undo_time=settings.undo_time,
    )
