"""Lets the owners of boxes listen to messages, save and delete them, call back, reply, and speak a greeting.

Whose box it is: parameter ``box=NAME`` (of a route or a trusted neighbour), the box of the telephone that
calls if it has shown a password or comes by a trusted neighbour, or the number that is keyed in. Its PIN is
asked for, unless it has none and the telephone is the owner's.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from sems import (
    App,
    BoxFull,
    BoxLocked,
    Call,
    CallFailed,
    EngineError,
    Say,
    SemsError,
    SipUri,
    Sound,
    SoundNotFound,
    Spoken,
    StorageError,
    StoredMessage,
)

app = App()

TRIES = 3
LONGEST_NUMBER = 20
LONGEST_NAME = 60
PATIENCE = 8.0
ROUNDS = 3


@app.call
async def main(call: Call) -> None:
    """Asks who it is, and does what the keys say."""
    await call.answer()
    visit = Visit(call)
    try:
        if await visit.comes_in():
            await visit.menu()
    except StorageError as error:
        call.log.error("a box can't be used", box=visit.box, why=str(error))
        await visit.say("not-now")
    await visit.say("goodbye")


class Visit:
    """One owner at his box."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.boxes = call.server.mailboxes
        self.box = ""
        self.language = call.params.get("language", "en")

    def sound(self, name: str) -> Path:
        """A prompt in the language of the box."""
        return self.call.server.sounds.spoken(name, self.language)

    @property
    def spoken(self) -> Spoken:
        """Numbers and times in the language of the box."""
        return Spoken(self.call.server.sounds, self.language)

    async def say(self, *names: str) -> None:
        """Says it to the end."""
        await self.call.play([self.sound(name) for name in names])

    async def key(self, *names: str, before: Sequence[Sound] = ()) -> str:
        """One key, which may come while this is said; ``""`` when none comes."""
        sounds = [*before, *(self.sound(name) for name in names)]
        return await self.call.ask(sounds, digits=1, terminator="", timeout=PATIENCE, retries=0)

    async def number(self, *names: str) -> str:
        """Keys up to the pound."""
        return await self.call.ask(
            [self.sound(name) for name in names], digits=None, timeout=PATIENCE, retries=0
        )

    # Coming in

    async def comes_in(self) -> bool:
        """Finds out which box it is, and whether it is opened."""
        own = self.own_box()
        self.box = self.call.params.get("box") or own or ""
        self.speak_as(self.box)
        if own is not None and own == self.box and not await self.boxes.has_pin(own):
            return True
        for attempt in range(TRIES):
            again = ["wrong-pin"] if attempt else []
            box = self.box
            if not box:
                keyed = await self.number(*again, "box-number")
                again = []
                box = keyed if self.boxes.settings(keyed) else self.boxes.box_of(keyed) or ""
            pin = await self.number(*again, "box-pin")
            try:
                if await self.boxes.check_pin(box, pin):
                    self.box = box
                    self.speak_as(box)
                    return True
            except BoxLocked:
                await self.say("box-locked")
                return False
        await self.say("wrong-pin")
        return False

    def own_box(self) -> str | None:
        """The box of the telephone that calls, if it is known to be that."""
        call = self.call
        if call.authenticated_user is not None:
            return self.boxes.box_of(call.authenticated_user)
        asserted = call.asserted_identity
        if asserted is not None:
            return self.boxes.box_of(SipUri.parse(asserted.uri).user)
        return self.boxes.box_of(call.caller_user) if call.trusted else None

    def speak_as(self, box: str) -> None:
        """From now on in the language of the box."""
        settings = self.boxes.settings(box)
        if settings is not None and "language" not in self.call.params:
            self.language = settings.language

    # The menus

    async def menu(self) -> None:
        """Says how many messages there are, and does what is asked for until that is to end."""
        await self.say_counts()
        silent = 0
        while silent < ROUNDS:
            key = await self.key("box-menu")
            silent = 0 if key else silent + 1
            match key:
                case "1":
                    await self.listen()
                case "2":
                    await self.greeting()
                case "3":
                    await self.change_pin()
                case "*":
                    return

    async def say_counts(self) -> None:
        """How many messages wait, and how many are saved."""
        counts = await self.boxes.counts(self.box)
        said: list[Path] = [self.sound("you-have")]
        if counts.new > 1:
            said += [*self.spoken.number(counts.new), self.sound("new-messages")]
        else:
            said += [self.sound("one-new-message" if counts.new else "no-new-messages")]
        if counts.saved > 1:
            said += [
                self.sound("and-also"),
                *self.spoken.number(counts.saved),
                self.sound("saved-messages"),
            ]
        else:
            said += [self.sound("one-saved-message" if counts.saved else "no-saved-messages")]
        await self.call.play(said)

    async def listen(self) -> None:
        """One message after the other."""
        for message in await self.boxes.messages(self.box):
            try:
                if await self.there(message) and not await self.hear(message):
                    return
            except SoundNotFound as error:
                # The others can be heard.
                if await self.there(message):
                    self.call.log.error("a message can't be played", message=message.id, why=str(error))
                    await self.say("not-now")
        await self.say("no-more-messages")

    async def there(self, message: StoredMessage) -> bool:
        """Nobody has deleted it meanwhile, such as by the page."""
        return await self.boxes.message(self.box, message.id) is not None

    async def hear(self, message: StoredMessage) -> bool:
        """One message, and what is to become of it. False: back to the main menu."""
        again = True
        while True:
            begin: list[Sound] = []
            if again:
                begin = [
                    self.sound(f"{message.state}-message"),
                    *await self.introduction(message),
                    message.path,
                ]
            again = False
            key = await self.key("message-menu", before=begin)
            match key:
                case "1":
                    again = True
                case "2":
                    if await self.boxes.save(self.box, message.id):
                        await self.say("message-saved")
                    return True
                case "3":
                    await self.boxes.delete(self.box, message.id)
                    await self.say("message-deleted")
                    return True
                case "4":
                    await self.call_back(message)
                case "5":
                    await self.reply(message)
                case "*":
                    return False
                case _:
                    # It was listened to.
                    await self.boxes.save(self.box, message.id)
                    return True

    async def introduction(self, message: StoredMessage) -> list[Sound]:
        """From whom it is, and when it was left, unless the owner wants to hear nothing of that."""
        settings = self.boxes.settings(self.box)
        if settings is None or not settings.introduce:
            return []
        now = settings.local(self.call.server.now())
        return [*await self.who(message), *self.spoken.moment(settings.local(message.left_at), now=now)]

    async def who(self, message: StoredMessage) -> list[Sound]:
        """The name of one who has a box here, else the number, else the name by which the caller calls
        himself; nothing where nothing can be said."""
        user = SipUri.parse(message.caller_uri).user
        digits = user.removeprefix("+")
        number = digits if digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER else ""
        box = self.boxes.box_of(user)
        settings = None if box is None else self.boxes.settings(box)
        name = settings.name if settings is not None else None if number else message.caller_name
        said: list[Sound] = [*self.spoken.digits(number)]
        if name:
            # Without a voice the number has to do.
            with contextlib.suppress(SoundNotFound, ValueError):
                text = Say(name[:LONGEST_NAME], self.language)
                said = [await self.call.while_up(self.call.server.sounds.load(text))]
        return [self.sound("message-from"), *said] if said else []

    async def call_back(self, message: StoredMessage) -> None:
        """Puts the owner through to who left the message, if that may be called from here."""
        await self.say("please-hold")
        try:
            to, how = self.call.server.way_out(message.caller_uri, self.box, call=self.call)
            await self.call.bridge(to, keep_headers=False, follow_redirects=self.call.server.way_on, **how)
        except CallFailed:
            await self.say("nobody-answers")
        except SemsError as error:
            if self.call.end is not None:
                raise
            self.call.log.info("nobody is called back", uri=message.caller_uri, why=str(error))
            await self.say("can-not-call")

    async def reply(self, message: StoredMessage) -> None:
        """Leaves a message for who left this one."""
        other = self.boxes.box_of(SipUri.parse(message.caller_uri).user)
        settings = None if other is None else self.boxes.settings(other)
        if other is None or settings is None:
            await self.say("can-not-reply")
            return
        owner = self.boxes.settings(self.box)
        name = owner.name if owner is not None and owner.name else self.box
        try:
            draft = await self.boxes.begin(other, caller_name=name, caller_uri=self.uri())
        except BoxFull:
            await self.say("box-full")
            return
        try:
            await self.say("speak-reply")
            await self.call.tone("beep")
            take = await self.call.record_until(
                draft.path, silence=settings.silence, limit=settings.max_seconds
            )
            if not take.spoken and take.ended_by != "key":
                await self.boxes.discard(draft)
                return
        except EngineError as error:
            self.call.log.error("a reply could not be recorded to its end", box=other, why=str(error))
            draft.cut = True
        except SemsError:
            await self.boxes.discard(draft)
            raise
        except BaseException:
            # Ended from outside, as when the server stops: what was said until then is a message.
            await self.boxes.deliver(draft)
            raise
        said: str | None
        try:
            kept = await self.boxes.deliver(draft)
        except StorageError as error:
            # It lies on the disk, and is delivered as soon as that is possible, also after a restart.
            self.call.log.error("a reply is kept and can't be delivered yet", box=other, why=str(error))
            said = "message-late"
        else:
            nothing = "message-not-kept" if draft.cut else None
            said = nothing if kept is None else "message-cut" if draft.cut else "message-kept"
        if self.call.end is None and said is not None:
            await self.say(said)

    def uri(self) -> str:
        """The address of the owner, by which he can be replied to and called back."""
        own = SipUri.parse(self.call.caller_uri)
        settings = self.boxes.settings(self.box)
        users = settings.users if settings is not None and settings.users else (self.box,)
        return self.call.caller_uri if own.user in users else f"sip:{users[0]}@{own.host}"

    # Greeting and PIN

    async def greeting(self) -> None:
        """The owner's greeting: hears it, speaks it, takes it back."""
        while True:
            match await self.key("greeting-menu"):
                case "1":
                    spoken = await self.boxes.greeting(self.box) or self.sound("voicemail-greeting")
                    with contextlib.suppress(SoundNotFound):
                        await self.call.play(spoken)
                case "2":
                    await self.speak_greeting()
                case "3":
                    await self.boxes.set_greeting(self.box, None)
                    await self.say("greeting-usual")
                case _:
                    return

    async def speak_greeting(self) -> None:
        """Records a greeting until the owner is content with it."""
        path = self.call.server.config.data / "drafts" / f"greeting-{self.call.id}-{id(self)}.wav"
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        try:
            while True:
                await self.say("speak-greeting")
                await self.call.tone("beep")
                await self.call.record_until(path, limit=120.0)
                key = await self.key("greeting-keep", before=(path,))
                if key == "1":
                    await self.boxes.set_greeting(self.box, path)
                    await self.say("greeting-kept")
                if key != "2":
                    return
        except EngineError as error:
            raise StorageError(str(error)) from error
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def change_pin(self) -> None:
        """Another PIN, keyed in twice."""
        pin = await self.number("new-pin")
        if 4 <= len(pin) <= 16 and pin.isdigit() and await self.number("new-pin-again") == pin:
            await self.boxes.set_pin(self.box, pin)
            await self.say("pin-changed")
        else:
            await self.say("pin-not-changed")
