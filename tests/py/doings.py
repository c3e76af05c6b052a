"""All that can be awaited of the public API, ready to be done: what the tests of cancelling go through."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from world import LONG, OPERATOR, PACKAGE, World

from sems import (
    Account,
    Call,
    Notifications,
    Server,
    Session,
)
from sems.client import Client
from sems.components import EspeakNg, SmtpMailer
from sems.config.accounts import AccountSettings
from sems.connecting import Wanted
from sems.storage import Mail
from sems.testing import Phone, VirtualLoop

Doing = Callable[[World], Awaitable[Any]]
DOINGS: dict[str, Doing] = {}
"""By class and method."""


def doing(name: str) -> Callable[[Doing], Doing]:
    """Of this class and method."""

    def noted(function: Doing) -> Doing:
        DOINGS[name] = function
        return function

    return noted


def on_call(**doings: Callable[[Call], Awaitable[Any]]) -> None:
    """What is done with the call alone."""

    def with_the_call(what: Callable[[Call], Awaitable[Any]]) -> Doing:
        return lambda w: what(w.call)

    DOINGS.update({f"Call.{name}": with_the_call(what) for name, what in doings.items()})


on_call(
    ask=lambda call: call.ask(LONG, timeout=60),
    be_focus=lambda call: call.be_focus(),
    bridge=lambda call: call.bridge("sip:bob@bob"),
    deafen=lambda call: call.deafen(True),
    digit=lambda call: call.digit(),
    echo=lambda call: call.echo(True, delay=0.5),
    hand_over=lambda call: call.hand_over("sip:nobody@10.0.0.99"),
    hold=lambda call: call.hold(True),
    mute=lambda call: call.mute(True),
    play=lambda call: call.play(LONG),
    recode=lambda call: call.recode(["PCMA", "PCMU"]),
    record_until=lambda call: call.record_until(call.server.config.data / "until.wav", silence=None),
    request=lambda call: call.request("INFO", body="x"),
    say=lambda call: call.say("Good morning. " * 3),
    send_digits=lambda call: call.send_digits("1234567890"),
    send_message=lambda call: call.send_message("Hello"),
    set_gain=lambda call: call.set_gain(-3.0),
    sleep=lambda call: call.sleep(3600),
    stop_record=lambda call: call.stop_record(),
    tone=lambda call: call.tone("silence:60000"),
    transfer=lambda call: call.transfer("sip:nobody@10.0.0.99"),
    wait_ended=lambda call: call.wait_ended(),
    wait_speaking=lambda call: call.wait_speaking(),
)  # fmt: skip


@doing("Call.while_up")
async def call_while_up(w: World) -> None:
    await w.call.while_up(asyncio.sleep(3600))


@doing("Call.answer")
async def call_answer(w: World) -> None:
    async with w.incoming() as call:
        await call.answer()


@doing("Call.ring")
async def call_ring(w: World) -> None:
    async with w.incoming() as call:
        await call.ring(183, early_media=True, reliable=True)


@doing("Call.prefer")
async def call_prefer(w: World) -> None:
    async with w.incoming() as call:
        await call.prefer(["PCMA"])


@doing("Call.reject")
async def call_reject(w: World) -> None:
    async with w.incoming() as call:
        await call.reject(486)


@doing("Call.redirect")
async def call_redirect(w: World) -> None:
    async with w.incoming() as call:
        await call.redirect("sip:bob@bob")


@doing("Call.hangup")
async def call_hangup(w: World) -> None:
    async with w.placed() as call:
        await call.hangup()


@doing("Call.wait_answered")
async def call_wait_answered(w: World) -> None:
    async with w.placed() as call:
        await w.call.while_up(call.wait_answered())


@doing("Call.wait_media")
async def call_wait_media(w: World) -> None:
    async with w.placed() as call:
        await w.call.while_up(call.wait_media())


@doing("Call.record")
async def call_record(w: World) -> None:
    recording = await w.call.record(w.lab.folder / "record.wav")
    await recording.stop()


@doing("Call.join")
async def call_join(w: World) -> None:
    async with w.room() as room:
        await w.call.join(room)


@doing("Call.set_volume")
async def call_set_volume(w: World) -> None:
    async with w.room(w.call, w.other):
        await w.call.set_volume(w.other, 6.0)


@doing("Call.set_room_volume")
async def call_set_room_volume(w: World) -> None:
    async with w.room(w.call, w.other):
        await w.call.set_room_volume(-6.0)


@doing("Call.whisper")
async def call_whisper(w: World) -> None:
    async with w.room(w.call, w.other, w.third):
        await w.call.whisper([w.other, w.third])


@doing("Session.run")
async def session_run(w: World) -> None:
    await Session(w.call).run()


# Sound


@doing("Playback.wait")
async def playback_wait(w: World) -> None:
    playback = w.call.start_play(LONG)
    try:
        await playback.wait()
    finally:
        playback.cancel()


@doing("Playback.stop")
async def playback_stop(w: World) -> None:
    playback = w.call.start_play(LONG)
    try:
        await playback.stop()
    finally:
        playback.cancel()


@contextlib.asynccontextmanager
async def recording(w: World) -> AsyncIterator[Any]:
    recording = await w.other.record(w.lab.folder / "recording.wav")
    try:
        yield recording
    finally:
        await asyncio.shield(recording.stop())


@doing("Recording.pause")
async def recording_pause(w: World) -> None:
    async with recording(w) as made:
        await made.pause()


@doing("Recording.resume")
async def recording_resume(w: World) -> None:
    async with recording(w) as made:
        await made.resume()


@doing("Recording.stop")
async def recording_stop(w: World) -> None:
    async with recording(w) as made:
        await made.stop()


@doing("Recording.wait")
async def recording_wait(w: World) -> None:
    async with recording(w) as made:
        await w.call.while_up(made.wait())


@doing("Audio.write")
async def audio_write(w: World) -> None:
    try:
        await w.call.audio.write(bytes(16_000 * 30))
    finally:
        w.call.audio.clear()


@doing("Audio.drain")
async def audio_drain(w: World) -> None:
    w.call.audio.write_nowait(bytes(16_000 * 30))
    try:
        await w.call.audio.drain()
    finally:
        w.call.audio.clear()


@doing("Room.play")
async def room_play(w: World) -> None:
    async with w.room(w.call) as room:
        await w.call.while_up(room.play(LONG))


@doing("Room.record")
async def room_record(w: World) -> None:
    async with w.room(w.call) as room:
        await room.record(w.lab.folder / "room", members="both")


@doing("Room.set_mixing")
async def room_set_mixing(w: World) -> None:
    async with w.room() as room:
        await room.set_mixing(level_control=False, noise_gate=False, max_talkers=3)


@doing("Room.private_talk")
async def room_private_talk(w: World) -> None:
    async with w.room(w.call, w.other) as room:
        await room.private_talk(w.call, w.other)


@doing("Room.coach")
async def room_coach(w: World) -> None:
    async with w.room(w.call, w.other) as room:
        await room.coach(w.call, w.other)


@doing("Room.close")
async def room_close(w: World) -> None:
    room = await w.server.open_room()
    closing = asyncio.ensure_future(room.close())
    try:
        await asyncio.shield(closing)
    finally:
        await closing


@doing("PrivateTalk.add")
async def private_talk_add(w: World) -> None:
    async with w.room(w.call, w.other, w.third) as room:
        talk = await room.private_talk(w.call, w.other)
        await talk.add(w.third)


@doing("PrivateTalk.remove")
async def private_talk_remove(w: World) -> None:
    async with w.room(w.call, w.other, w.third) as room:
        talk = await room.private_talk(w.call, w.other, w.third)
        await talk.remove(w.third)


@doing("PrivateTalk.end")
async def private_talk_end(w: World) -> None:
    async with w.room(w.call, w.other) as room:
        talk = await room.private_talk(w.call, w.other)
        await talk.end()


@doing("SoundLibrary.load")
async def sound_library_load(w: World) -> None:
    sounds = w.server.sounds
    await sounds.load(sounds.find("welcome"))


@doing("SoundLibrary.convert")
async def sound_library_convert(w: World) -> None:
    sounds = w.server.sounds
    await sounds.convert(sounds.find("welcome"), w.lab.folder / "welcome.wav")


@doing("EspeakNg.speak")
async def espeak_ng_speak(w: World) -> None:
    await EspeakNg().speak("Good morning", "en")


# The server


def another(w: World) -> Server:
    """A server that is not started."""
    server = Server(w.server.config, network=w.lab.network, web=False)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.stand_still_while(lambda: server.busy)
    return server


@doing("Server.start")
async def server_start(w: World) -> None:
    server = another(w)
    try:
        await server.start()
    finally:
        if server.ready:
            await asyncio.shield(asyncio.ensure_future(server.stop()))


@doing("Server.stop")
async def server_stop(w: World) -> None:
    server = another(w)
    await asyncio.shield(asyncio.ensure_future(server.start()))
    await server.stop()


@doing("Server.run")
async def server_run(w: World) -> None:
    await another(w).run()


@doing("Server.opened")
async def server_opened(w: World) -> None:
    await Server(w.server.config).opened()


@doing("Server.onward")
async def server_onward(w: World) -> None:
    await w.server.onward(w.call, "sip:bob@bob")


@doing("Server.serve")
async def server_serve(w: World) -> None:
    async with w.placed() as call:
        await w.server.serve(call, "other")


@doing("Server.place")
async def server_place(w: World) -> None:
    placed = await w.server.place("sip:bob@bob")
    await placed.hangup()


@doing("Server.dial")
async def server_dial(w: World) -> None:
    await w.call.while_up(w.server.dial("sip:bob@bob"))


@doing("Server.fork")
async def server_fork(w: World) -> None:
    await w.call.while_up(w.server.fork("sip:bob@bob", "sip:carol@carol"))


@doing("Server.request")
async def server_request(w: World) -> None:
    await w.server.request("OPTIONS", "sip:bob@bob")


@doing("Server.send_message")
async def server_send_message(w: World) -> None:
    # Nobody is there who could answer it.
    await w.call.while_up(w.server.send_message("sip:nobody@10.0.0.99", "Hello"))


@doing("Server.subscribe")
async def server_subscribe(w: World) -> None:
    await w.subscribe(w.alice.server, 600)


@doing("Server.open_room")
async def server_open_room(w: World) -> None:
    await (await w.server.open_room(max_talkers=3)).close()


def account(w: World) -> Account:
    """One whose registrar is nowhere."""
    return Account(w.server, 7, AccountSettings(name="work", uri="sip:sems@[2001:db8::1]"))


@doing("Account.find_registrar")
async def account_find_registrar(w: World) -> None:
    await account(w).find_registrar()


@doing("Account.wait_registered")
async def account_wait_registered(w: World) -> None:
    await account(w).wait_registered()


@doing("Connections.end")
async def connections_end(w: World) -> None:
    made = w.server.connections.connect(Wanted(first=w.bob.uri, second=w.alice.uri))
    try:
        await w.server.connections.end(made.id)
    finally:
        await asyncio.shield(asyncio.ensure_future(w.server.connections.end(made.id)))


@doing("Connections.close")
async def connections_close(w: World) -> None:
    w.server.connections.connect(Wanted(first=w.bob.uri, second=w.alice.uri))
    await w.server.connections.close()


# Conferences


@doing("Conferences.answer")
async def conferences_answer(w: World) -> None:
    async with w.incoming() as call:
        await w.server.conferences.answer(call)


@doing("Conferences.by_number")
async def conferences_by_number(w: World) -> None:
    await w.server.conferences.by_number(w.call, "4711")


@doing("Conferences.take_message")
async def conferences_take_message(w: World) -> None:
    async with w.message() as message:
        await w.server.conferences.take_message("standup", message)


@doing("Conferences.take_subscription")
async def conferences_take_subscription(w: World) -> None:
    async with w.subscription() as subscription:
        await w.server.conferences.take_subscription("standup", subscription)


@doing("Conferences.take_refer")
async def conferences_take_refer(w: World) -> None:
    async with w.refer() as refer:
        await w.server.conferences.take_refer("standup", refer)


@doing("Conference.join")
async def conference_join(w: World) -> None:
    async with w.conference(w.other) as conference:
        await conference.join(w.call)


@doing("Conference.attend")
async def conference_attend(w: World) -> None:
    # As join() does it with who has been let in.
    async with w.conference() as conference:
        await conference.join(w.call)


# Programs elsewhere


def asks(**doings: Callable[[Client], Awaitable[Any]]) -> None:
    """What a program asks for while two are in the room."""

    def while_they_confer(what: Callable[[Client], Awaitable[Any]]) -> Doing:
        async def ask(w: World) -> None:
            async with w.conference(w.other, w.third):
                await what(w.client)

        return ask

    DOINGS.update({f"Client.{name}": while_they_confer(what) for name, what in doings.items()})


asks(
    me=lambda client: client.me(),
    conferences=lambda client: client.conferences(),
    conference=lambda client: client.conference("standup"),
    participant=lambda client: client.participant("standup", 1),
    change_conference=lambda client: client.change_conference("standup", locked=False),
    change_participant=lambda client: client.change_participant("standup", 1, muted=True),
    remove=lambda client: client.remove("standup", 99),
    admit=lambda client: client.admit("standup"),
    say=lambda client: client.say("standup", "Hello"),
    dial=lambda client: client.dial("standup", "sip:nobody@10.0.0.99"),
    cancel_call=lambda client: client.cancel_call("standup", 99),
    redial=lambda client: client.redial("standup", 99),
    connections=lambda client: client.connections(),
    connection=lambda client: client.connection(1),
    end_connection=lambda client: client.end_connection(1),
    record=lambda client: client.record("standup", "off"),
    recordings=lambda client: client.recordings("standup"),
    ask=lambda client: client.ask("GET", "/conferences"),
)


@doing("Client.follow")
async def client_follow(w: World) -> None:
    async with w.conference(w.other):
        async for _ in w.client.follow("standup"):
            pass


@doing("Client.follow_connection")
async def client_follow_connection(w: World) -> None:
    async for _ in w.client.follow_connection():
        pass


@doing("Client.connect")
async def client_connect(w: World) -> None:
    try:
        await w.client.connect(w.bob.uri, w.alice.uri)
    finally:
        for made in w.server.connections:
            await asyncio.shield(asyncio.ensure_future(w.server.connections.end(made.id)))


@doing("Client.close")
async def client_close(w: World) -> None:
    await Client("http://sems.test", OPERATOR).close()


# Voice mail


@contextlib.asynccontextmanager
async def draft(w: World) -> AsyncIterator[Any]:
    """A message that is being left; in the end there is none."""
    making = asyncio.ensure_future(w.server.mailboxes.begin("anna"))
    try:
        yield await asyncio.shield(making)
    finally:
        await w.server.mailboxes.discard(await making)


def with_box(**doings: Callable[[Any, str], Awaitable[Any]]) -> None:
    """What is done with the boxes alone."""

    def with_boxes(what: Callable[[Any, str], Awaitable[Any]]) -> Doing:
        return lambda w: what(w.server.mailboxes, "anna")

    DOINGS.update({f"Mailboxes.{name}": with_boxes(what) for name, what in doings.items()})


with_box(
    start=lambda boxes, _: boxes.start(),
    close=lambda boxes, _: boxes.close(),
    counts=lambda boxes, box: boxes.counts(box),
    messages=lambda boxes, box: boxes.messages(box),
    message=lambda boxes, box: boxes.message(box, "7"),
    save=lambda boxes, box: boxes.save(box, "7"),
    delete=lambda boxes, box: boxes.delete(box, "7"),
    greeting=lambda boxes, box: boxes.greeting(box),
    set_greeting=lambda boxes, box: boxes.set_greeting(box, None),
    has_pin=lambda boxes, box: boxes.has_pin(box),
    check_pin=lambda boxes, box: boxes.check_pin(box, "25802"),
    set_pin=lambda boxes, box: boxes.set_pin(box, "25802"),
)


@doing("Mailboxes.begin")
async def mailboxes_begin(w: World) -> None:
    await w.server.mailboxes.discard(await w.server.mailboxes.begin("anna"))


@doing("Mailboxes.deliver")
async def mailboxes_deliver(w: World) -> None:
    async with draft(w) as made:
        await w.server.mailboxes.deliver(made)


@doing("Mailboxes.discard")
async def mailboxes_discard(w: World) -> None:
    async with draft(w) as made:
        await w.server.mailboxes.discard(made)


@doing("SmtpMailer.send")
async def smtp_mailer_send(w: World) -> None:
    sound = w.server.sounds.find("welcome")
    mail = Mail("1", "sems@example.com", "anna@example.com", "Hello", "", sound, "hello.wav", 0.0)
    await SmtpMailer(w.server.config, {}).send(mail)


# Requests beside calls


@doing("SipRequest.respond")
async def sip_request_respond(w: World) -> None:
    async with w.message() as message:
        await message.respond(200)


@doing("Refer.respond")
async def refer_respond(w: World) -> None:
    async with w.refer() as refer:
        await refer.respond(603)


@doing("Refer.accept")
async def refer_accept(w: World) -> None:
    async with w.refer() as refer:
        await refer.accept()


@doing("Refer.progress")
async def refer_progress(w: World) -> None:
    async with w.refer() as refer:
        await refer.accept()
        await refer.progress(180)


@doing("Refer.follow")
async def refer_follow(w: World) -> None:
    async with w.refer() as refer:
        await w.call.while_up(refer.follow())


@doing("Subscription.notify")
async def subscription_notify(w: World) -> None:
    async with w.subscription() as subscription:
        await subscription.notify("Messages-Waiting: no\r\n", "application/simple-message-summary")


@doing("Subscription.finish")
async def subscription_finish(w: World) -> None:
    async with w.subscription() as subscription:
        await subscription.finish()


@doing("Subscription.wait_ended")
async def subscription_wait_ended(w: World) -> None:
    async with w.subscription() as subscription:
        await w.call.while_up(subscription.wait_ended())


@doing("Notifications.close")
async def notifications_close(w: World) -> None:
    async with w.sent(w.subscribe(w.alice.server, 600)) as subscription:
        await subscription.notify("Messages-Waiting: no\r\n", "application/simple-message-summary")
        looking: Notifications = await w.alice.server.subscribe(f"sip:mine@{w.at}", PACKAGE)
        await looking.close()


# Phones and servers of tests


@doing("Lab.server")
async def lab_server(w: World) -> None:
    server = await w.lab.server(name="more")
    await asyncio.shield(asyncio.ensure_future(server.stop()))


@doing("Lab.phone")
async def lab_phone(w: World) -> None:
    phone = await w.lab.phone("more")
    await asyncio.shield(asyncio.ensure_future(phone.server.stop()))


def with_phone(user: str = "mine", **doings: Callable[[World, Phone], Awaitable[Any]]) -> None:
    """What Emil's phone does in a call with the app, which is hung up then."""

    def in_a_call(what: Callable[[World, Phone], Awaitable[Any]]) -> Doing:
        async def does(w: World) -> None:
            try:
                await w.emil.dial(f"sip:{user}@sems")
                await w.taken.get()
                await what(w, w.emil)
            finally:
                if w.emil.line is not None:
                    await w.emil.line.hangup()

        return does

    DOINGS.update({f"Phone.{name}": in_a_call(what) for name, what in doings.items()})


with_phone(
    key=lambda w, phone: phone.key("47"),
    hold=lambda w, phone: phone.hold(),
    ended=lambda w, phone: phone.ended(),
    hear=lambda w, phone: phone.hear(5),
    hear_all=lambda w, phone: phone.hear_all(),
    hears=lambda w, phone: phone.hears("welcome"),
    heard=lambda w, phone: phone.heard(),
    hang_up=lambda w, phone: phone.hang_up(),
    transfer=lambda w, phone: phone.transfer("sip:bob@bob"),
    request=lambda w, phone: phone.request("OPTIONS", "sip:mine@sems"),
    send_message=lambda w, phone: phone.send_message("sip:mine@sems", "Hello"),
    message=lambda w, phone: phone.message(),
    ringing=lambda w, phone: phone.ringing(),
)


@doing("Phone.dial")
async def phone_dial(w: World) -> None:
    await (await w.emil.dial("sip:unanswered@sems")).hangup()


@doing("Phone.call")
async def phone_call(w: World) -> None:
    try:
        await w.emil.call("sip:unanswered@sems")
    finally:
        if w.emil.line is not None:
            await w.emil.line.hangup()


@contextlib.asynccontextmanager
async def consulting(w: World) -> AsyncIterator[None]:
    """Emil has put the app on hold and calls it once more; in the end he has hung up on both."""
    calls: list[Call | None] = []
    try:
        calls.append(await w.emil.dial("sip:mine@sems"))
        await w.taken.get()
        await w.emil.consult("sip:mine@sems")
        yield
    finally:
        for call in (*calls, w.emil.line):
            if call is not None:
                await call.hangup()


@doing("Phone.consult")
async def phone_consult(w: World) -> None:
    async with consulting(w):
        pass


@doing("Phone.resume")
async def phone_resume(w: World) -> None:
    async with consulting(w):
        await w.emil.resume()


@doing("Phone.vanish")
async def phone_vanish(w: World) -> None:
    phone = await w.lab.phone("more")
    try:
        await phone.vanish()
    finally:
        await asyncio.shield(asyncio.ensure_future(phone.server.stop()))
