"""Voice mail: greeting, recording, delivery, and how many messages wait."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import shutil
from array import array
from pathlib import Path
from typing import Any

import pytest
from boxes import Prompts, tone

from full_disk import full_disk
from sems import CallFailed, MailFailed, Server, StoredMessage
from sems.components import SmtpMailer
from sems.storage import Counts, Mail
from sems.testing import Lab, Phone
from sems.testing.hearing import Hearing

BOXES: dict[str, Any] = {
    "anna": {"users": ["anna", "100"], "max_messages": 2},
    "ben": {"language": "de", "max_seconds": 4.0},
    "cleo": {"email": "cleo@example.com", "delivery": "email"},
}
TRUSTED = {"trusted": ["0.0.0.0/0"]}


async def begin(lab: Lab, **settings: Any) -> tuple[Server, Prompts, Phone]:
    routes = [{"app": "voicemail", "user": "anna|ben|cleo|100|nobody|messages"}]
    server = await lab.server(**{"boxes": BOXES, "routes": routes, **settings})
    return server, Prompts(server.config.data), await lab.phone("zoe")


def sound(message: StoredMessage) -> Hearing:
    return Hearing(array("h", message.path.read_bytes()[44:]))


async def greeted(phone: Phone, uri: str = "sip:anna@sems", **how: Any) -> Hearing:
    """Calls, and hears all until it may speak."""
    await phone.call(uri, **how)
    return await phone.hear(1.6)


async def speak(phone: Phone, seconds: float, hz: int = 440) -> None:
    phone.tone(hz)
    await asyncio.sleep(seconds)
    phone.silence()


async def test_a_caller_is_greeted_and_what_he_says_lies_in_the_box(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    assert prompts.said(await greeted(phone)) == ["voicemail-greeting"]
    await speak(phone, 3.0)
    await phone.key("#")
    assert prompts.said(await phone.hear_all()) == ["message-kept", "goodbye"]
    [message] = await server.mailboxes.messages("anna")
    assert (message.caller_name, message.state) == ("zoe", "new")
    assert message.caller_uri == phone.uri
    assert sound(message).has_tone(440)
    assert message.seconds == pytest.approx(3.2, abs=0.4)


async def test_what_was_said_before_the_caller_hangs_up_counts_and_hanging_up_at_once_does_not(
    lab: Lab,
) -> None:
    server, _, phone = await begin(lab)
    await greeted(phone)
    await speak(phone, 2.0)
    await phone.hang_up()
    await greeted(phone)
    await asyncio.sleep(0.3)
    await phone.hang_up()
    await phone.call("sip:anna@sems")
    await phone.hang_up()
    await asyncio.sleep(1)
    [message] = await server.mailboxes.messages("anna")
    assert message.seconds == pytest.approx(2.5, abs=0.4)
    assert not list((server.config.data / "drafts").iterdir())


async def test_who_hangs_up_without_a_word_leaves_no_message(lab: Lab) -> None:
    server, _, phone = await begin(lab)
    await greeted(phone)
    await asyncio.sleep(4.5)
    await phone.hang_up()
    await asyncio.sleep(1)
    assert await server.mailboxes.counts("anna") == Counts()
    assert not list((server.config.data / "drafts").iterdir())


async def test_what_was_said_until_the_service_was_ended_is_a_message(lab: Lab) -> None:
    server, _, phone = await begin(lab)
    await greeted(phone)
    phone.tone(440)
    await asyncio.sleep(2.0)
    # As when a connection to it is deleted, or the server stops.
    for handler in server.incoming.handlers:
        handler.cancel()
    await asyncio.sleep(1)
    [message] = await server.mailboxes.messages("anna")
    assert message.seconds == pytest.approx(2.5, abs=0.4)
    assert not list((server.config.data / "drafts").iterdir())


async def test_where_the_greeting_is_on_a_disk_that_fails_the_usual_one_is_played(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, prompts, phone = await begin(lab)
    own = lab.folder / "own.wav"
    tone(own, 3400.0, 1.0)
    await server.mailboxes.set_greeting("anna", own)
    is_file = Path.is_file

    def fails(path: Path, **how: bool) -> bool:
        if path.name.startswith("greeting-"):
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return is_file(path, **how)

    monkeypatch.setattr(Path, "is_file", fails)
    assert prompts.said(await greeted(phone)) == ["voicemail-greeting"]


async def test_a_message_ends_with_silence_and_where_it_may_be_no_longer(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    await greeted(phone)
    await speak(phone, 2.0)
    assert prompts.said(await phone.hear_all()) == ["message-kept", "goodbye"]
    assert await server.mailboxes.counts("anna") == Counts(new=1)
    await greeted(phone)
    await phone.ended()
    assert await server.mailboxes.counts("anna") == Counts(new=1), "nothing was said"
    await greeted(phone, "sip:ben@sems")
    phone.tone(440)
    await phone.ended()
    [message] = await server.mailboxes.messages("ben")
    assert message.seconds == pytest.approx(4.0, abs=0.1)


async def test_the_greeting_can_be_skipped_and_the_message_begun_anew(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    tone(server.config.data / "prompts" / "voicemail-greeting.wav", prompts.pitch["voicemail-greeting"], 20.0)
    await phone.call("sip:anna@sems")
    await phone.key("1")
    await asyncio.sleep(0.5)
    await speak(phone, 2.0, 440)
    await phone.key("*")
    await asyncio.sleep(0.5)
    await speak(phone, 2.0, 1000)
    await phone.hang_up()
    await asyncio.sleep(1)
    [message] = await server.mailboxes.messages("anna")
    assert sound(message).has_tone(1000)
    assert not sound(message).has_tone(440)


async def test_the_box_greets_in_its_language_its_owner_or_with_its_own_file(lab: Lab) -> None:
    own = lab.folder / "own.wav"
    tone(own, 3400.0, 1.0)
    boxes = {**BOXES, "dora": {"greeting": own}}
    routes = [{"app": "voicemail", "user": "dora|ben"}]
    server, _, phone = await begin(lab, boxes=boxes, routes=routes)
    german = Prompts(server.config.data, "de")
    assert german.said(await greeted(phone, "sip:ben@sems")) == ["voicemail-greeting"]
    await phone.hang_up()
    assert (await greeted(phone, "sip:dora@sems")).before(0.9).has_tone(3400)
    await phone.hang_up()
    spoken = lab.folder / "spoken.wav"
    tone(spoken, 3300.0, 1.0)
    await server.mailboxes.set_greeting("dora", spoken)
    assert (await greeted(phone, "sip:dora@sems")).before(0.9).has_tone(3300)


@pytest.mark.parametrize(
    ("uri", "headers"),
    [
        ("sip:100@sems", []),
        ("sip:messages@sems;target=sip:anna%40sems;cause=486", []),
        ("sip:messages@sems", [("Diversion", "<sip:anna@sems>;reason=no-answer")]),
        ("sip:messages@sems", [("P-App-Name", "voicemail"), ("P-App-Param", "box=anna")]),
    ],
)
async def test_a_call_finds_the_box_that_it_is_for(
    lab: Lab, uri: str, headers: list[tuple[str, str]]
) -> None:
    server, prompts, phone = await begin(lab, **TRUSTED)
    assert prompts.said(await greeted(phone, uri, headers=headers)) == ["voicemail-greeting"]
    await speak(phone, 2.0)
    await phone.hang_up()
    await asyncio.sleep(1)
    assert await server.mailboxes.counts("anna") == Counts(new=1)


async def test_a_call_for_no_box_is_refused(lab: Lab) -> None:
    _, _, phone = await begin(lab)
    with pytest.raises(CallFailed, match="404 No Such Box"):
        await phone.call("sip:nobody@sems")


async def test_callers_who_want_to_be_unknown_are(lab: Lab) -> None:
    server, _, phone = await begin(lab, **TRUSTED)
    await greeted(phone, headers=[("Privacy", "id")])
    await speak(phone, 2.0)
    await phone.hang_up()
    await asyncio.sleep(1)
    [message] = await server.mailboxes.messages("anna")
    assert (message.caller_name, message.caller_uri) == ("", "")


async def test_a_full_box_says_so(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    for _ in range(2):
        await greeted(phone)
        await speak(phone, 2.0)
        await phone.hang_up()
        await asyncio.sleep(1)
    assert prompts.said(await greeted(phone)) == ["box-full"]
    await phone.ended()
    assert await server.mailboxes.counts("anna") == Counts(new=2)


async def test_what_was_said_until_the_disk_was_full_is_kept_and_the_caller_is_told_at_once(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    await greeted(phone)
    with full_disk(100_000):
        phone.tone(440)
        heard = await phone.hear_all()
    assert prompts.said(heard) == ["message-cut", "goodbye"]
    assert heard.seconds < 10, "he does not speak on into nothing"
    [message] = await server.mailboxes.messages("anna")
    assert message.seconds == pytest.approx(100_000 / 16_000, abs=0.3)
    assert sound(message).tone_level(440) == pytest.approx(-13, abs=3)
    assert not list((server.config.data / "drafts").iterdir())


async def test_nothing_that_was_cut_by_a_full_disk_is_too_short(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    await greeted(phone)
    phone.tone(440)
    with full_disk(8000):
        assert prompts.said(await phone.hear_all()) == ["message-late", "goodbye"]
        assert await server.mailboxes.counts("anna") == Counts(), "the database is on that disk"
    # There is room again.
    await asyncio.sleep(61)
    [message] = await server.mailboxes.messages("anna")
    assert message.seconds == pytest.approx(0.5, abs=0.1)
    assert not list((server.config.data / "drafts").iterdir())


async def test_where_nothing_at_all_could_be_recorded_the_caller_is_told_to_call_again(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    await phone.call("sip:anna@sems")
    with full_disk(16):
        assert "message-not-kept" in prompts.said(await phone.hear_all())
    await asyncio.sleep(61)
    assert await server.mailboxes.counts("anna") == Counts()
    assert not list((server.config.data / "drafts").iterdir())


@pytest.mark.parametrize("room", [8000, 24_000])
async def test_who_hangs_up_on_a_full_disk_leaves_his_message_and_no_error_of_the_service(
    lab: Lab, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    server, _, phone = await begin(lab)
    await greeted(phone)
    with full_disk(room):
        phone.tone(440)
        await asyncio.sleep(2.0 if room > 16_000 else 0.4)
        await phone.hang_up()
        await asyncio.sleep(5)
        assert await server.mailboxes.counts("anna") == Counts()
    failed = [record.message for record in caplog.records if record.exc_info]
    assert not failed, "the handler goes on to its end"
    await asyncio.sleep(61)
    assert await server.mailboxes.counts("anna") == Counts(new=1)


async def test_who_says_next_to_nothing_is_not_told_that_it_was_kept(lab: Lab) -> None:
    server, prompts, phone = await begin(lab)
    await greeted(phone)
    await phone.key("#")
    assert prompts.said(await phone.hear_all()) == ["goodbye"]
    assert await server.mailboxes.counts("anna") == Counts()


async def test_a_greeting_that_can_not_be_played_gives_way_to_the_usual_one(lab: Lab) -> None:
    broken = lab.folder / "broken.wav"
    broken.write_text("no sound")
    server, prompts, phone = await begin(lab, boxes={"anna": {"greeting": broken}})
    assert prompts.said(await greeted(phone)) == ["voicemail-greeting"]
    await speak(phone, 2.0)
    await phone.key("#")
    assert prompts.said(await phone.hear_all()) == ["message-kept", "goodbye"]
    assert await server.mailboxes.counts("anna") == Counts(new=1)


async def test_what_a_killed_process_had_recorded_is_there_at_the_next_start(lab: Lab) -> None:
    server, _, phone = await begin(lab)
    await greeted(phone)
    await speak(phone, 3.0)
    # All that is left of a process that is killed: its files.
    await asyncio.to_thread(shutil.copytree, server.config.data, lab.folder / "after")
    await phone.hang_up()
    other = await lab.server(name="after", boxes=BOXES)
    [message] = await other.mailboxes.messages("anna")
    assert message.caller_name == "zoe"
    assert sound(message).has_tone(440)
    assert message.seconds > 1.5


async def test_mail_is_tried_again_ever_more_rarely_until_the_server_is_there(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    sent: list[tuple[Mail, bytes]] = []
    loop = asyncio.get_running_loop()

    async def send(mailer: SmtpMailer, mail: Mail) -> None:
        tries.append(loop.time())
        if len(tries) < 5:
            raise MailFailed("the server is down")
        sent.append((mail, await asyncio.to_thread(mail.attachment.read_bytes)))

    monkeypatch.setattr(SmtpMailer, "send", send)
    server, _, phone = await begin(lab)
    await greeted(phone, "sip:cleo@sems")
    await speak(phone, 2.0)
    await phone.hang_up()
    await asyncio.sleep(1200)
    waits = [round(after - before) for before, after in itertools.pairwise(tries)]
    assert waits == [60, 120, 240, 480]
    [(mail, attached)] = sent
    assert mail.recipient == "cleo@example.com"
    assert mail.subject.startswith("Voice message from zoe <sip:zoe@")
    assert Hearing(array("h", attached[44:])).has_tone(440)
    assert await server.mailboxes.counts("cleo") == Counts()


async def test_who_may_know_is_told_how_many_messages_wait(lab: Lab) -> None:
    server, _, phone = await begin(lab, **TRUSTED)
    await lab.phone("anna")
    place = lab.resolve("sems")
    async with await phone.server.subscribe(f"sip:anna@{place}", "message-summary") as told:
        first = await anext(told)
        assert "Messages-Waiting: no\r\n" in first.text
        assert "Voice-Message: 0/0 (0/0)\r\n" in first.text
        await greeted(phone)
        await speak(phone, 2.0)
        await phone.hang_up()
        second = await anext(told)
        assert second.headers["Content-Type"] == "application/simple-message-summary"
        assert "Messages-Waiting: yes\r\n" in second.text
        assert "Voice-Message: 1/0 (0/0)\r\n" in second.text
        [message] = await server.mailboxes.messages("anna")
        await server.mailboxes.save("anna", message.id)
        assert "Voice-Message: 0/1 (0/0)\r\n" in (await anext(told)).text


async def test_strangers_are_not_told_how_many_messages_wait(lab: Lab) -> None:
    await begin(lab)
    stranger = await lab.phone("mallory")
    place = lab.resolve("sems")
    for box in ("anna", "nobody"):
        with pytest.raises(CallFailed, match="403"):
            await stranger.server.subscribe(f"sip:{box}@{place}", "message-summary")


@pytest.mark.parametrize("trusted", [[], ["0.0.0.0/0"]])
@pytest.mark.parametrize(("user", "refused"), [("anna", False), ("ben", True)])
async def test_who_shows_a_password_is_told_of_his_own_messages_alone(
    lab: Lab, user: str, refused: bool, trusted: list[str]
) -> None:
    users = [{"name": name, "password": f"of {name}"} for name in ("anna", "ben")]
    auth = {"challenge": ["SUBSCRIBE"], "users": users, "exempt": []}
    await begin(lab, registrar={"enabled": True}, auth=auth, trusted=trusted)
    place = lab.resolve("sems")
    # Anna's telephone is registered from the same place.
    account = {"uri": f"sip:anna@{place}", "username": "anna", "name": "desk", "password": "of anna"}
    desk = await lab.server(name="desk", accounts=[account])
    await asyncio.wait_for(desk.accounts["desk"].wait_registered(), 30)
    who = {"username": user, "password": f"of {user}"}
    with pytest.raises(CallFailed, match="403") if refused else contextlib.nullcontext():
        async with await desk.subscribe(f"sip:anna@{place}", "message-summary", **who) as told:
            assert "Messages-Waiting: no\r\n" in (await anext(told)).text


async def test_a_server_without_boxes_opens_no_database(lab: Lab, tmp_path: Path) -> None:
    server = await lab.server()
    assert not server.components.storage_is_made
    assert not (server.config.data / "sems.db").exists()
