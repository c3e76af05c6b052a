"""The owner of a box at his messages."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from boxes import Prompts, tone

from full_disk import full_disk
from sems import EspeakNg, Server, Speech
from sems.storage import Counts
from sems.testing import Lab, Phone

BOXES: dict[str, Any] = {
    "anna": {"users": ["anna", "100"], "pin": "2580", "name": "Anna"},
    "ben": {"users": ["ben", "200"], "pin": "1357", "name": "Ben"},
    "open": {"users": ["dora"]},
}
MESSAGE = 350.0
"""The pitch of what was left."""


class Visit:
    """A phone that calls its box, and what it hears there."""

    def __init__(self, server: Server, phone: Phone) -> None:
        self.server = server
        self.phone = phone
        self.prompts = Prompts(server.config.data)

    async def leave(self, box: str, **caller: str) -> str:
        draft = await self.server.mailboxes.begin(box, **caller)
        await asyncio.to_thread(tone, draft.path, MESSAGE, 2.0)
        message = await self.server.mailboxes.deliver(draft)
        assert message is not None
        # So that the next one is later.
        await asyncio.sleep(1.0)
        return message.id

    async def call(self, uri: str = "sip:voicebox@sems", seconds: float = 1.2) -> list[str]:
        await self.phone.call(uri)
        return await self.hear(seconds)

    async def hear(self, seconds: float = 1.2) -> list[str]:
        return self.prompts.said(await self.phone.hear(seconds))

    async def key(self, keys: str, seconds: float = 1.2) -> list[str]:
        """Presses keys, and hears what is said to the last."""
        await self.phone.key(keys)
        return await self.hear(seconds)


async def visit(lab: Lab, name: str = "zoe", **settings: Any) -> Visit:
    server = await lab.server(**{"boxes": BOXES, **settings})
    return Visit(server, await lab.phone(name))


async def opened(visit: Visit, number: str = "100", pin: str = "2580") -> list[str]:
    assert await visit.call() == ["box-number"]
    assert await visit.key(f"{number}#") == ["box-pin"]
    return await visit.key(f"{pin}#", 3.5)


async def test_messages_are_counted_heard_saved_and_deleted(lab: Lab) -> None:
    anna = await visit(lab)
    boxes = anna.server.mailboxes
    first = await anna.leave("anna", caller_uri="sip:+4930@example.com")
    second = await anna.leave("anna")
    third = await anna.leave("anna")
    await boxes.save("anna", third)
    told = await opened(anna)
    assert told == ["you-have", "new-messages", "one-saved-message", "box-menu"]
    # "from", four digits, when it was, and the message itself, which is no prompt.
    heard = await anna.key("1", 11.5)
    assert heard[:2] == ["new-message", "message-from"]
    assert heard[-1] == "message-menu"
    assert (await anna.key("1", 1.0))[:1] == ["new-message"], "once more"
    assert await anna.key("2", 1.2) == ["message-saved", "new-message"]
    assert await anna.key("3", 1.2) == ["message-deleted", "saved-message"]
    assert await boxes.message("anna", second) is None
    assert [each.id for each in await boxes.messages("anna", "saved")] == [first, third]
    assert await anna.key("#", 1.2) == ["no-more-messages", "box-menu"]
    assert await anna.key("*", 1.0) == ["goodbye"]
    await anna.phone.ended()
    assert await boxes.counts("anna") == Counts(saved=2)


async def test_what_the_page_deletes_while_the_owner_listens_is_passed_over(lab: Lab) -> None:
    anna = await visit(lab, boxes={"anna": {**BOXES["anna"], "introduce": False}})
    boxes = anna.server.mailboxes
    first, second, third, fourth = [await anna.leave("anna") for _ in range(4)]
    await opened(anna)
    assert (await anna.key("1", 4.5))[-1] == "message-menu"
    await boxes.delete("anna", first)
    await boxes.delete("anna", second)
    # Once more; there is none, and the one after it is gone, too.
    assert (await anna.key("1", 4.5)) == ["new-message", "message-menu"]
    await boxes.delete("anna", third)
    assert await anna.key("2", 1.2) == ["new-message"], "what is gone is not said to be saved"
    [(path)] = [each.path for each in await boxes.messages("anna")]
    await anna.hear(3.5)
    path.unlink()
    # It can't be read any more, and is there: that is said.
    assert (await anna.key("1", 3.5))[-3:] == ["not-now", "no-more-messages", "box-menu"]
    assert await boxes.message("anna", fourth) is not None


AT = datetime.datetime(2020, 3, 3, 14, 30, tzinfo=ZoneInfo("Europe/Berlin"))
OWNERS: dict[str, dict[str, Any]] = {
    "in Berlin": {"timezone": "Europe/Berlin"},
    "in New York": {"timezone": "America/New_York"},
    "in German": {"timezone": "Europe/Berlin", "language": "de"},
    "in a hurry": {"introduce": False},
}
FROM = ["message-from", "digit-3", "digit-0"]
ENGLISH_MARCH = ["day-3", "month-3", "number-20", "number-20"]
MARCH_2020 = ["day-3", "month-3", "year-20", "number-20"]


@pytest.mark.parametrize(
    ("owner", "introduction"),
    [
        # Twenty is twenty, whatever it is for.
        ("in Berlin", [*FROM, *ENGLISH_MARCH, "hour-2", "number-30", "after-noon"]),
        ("in New York", [*FROM, *ENGLISH_MARCH, "hour-8", "number-30", "before-noon"]),
        ("in German", [*FROM, *MARCH_2020, "hour-14", "number-30"]),
        ("in a hurry", []),
    ],
)
async def test_a_message_is_introduced_by_who_left_it_and_when_by_the_owners_clock_in_his_language(
    lab: Lab, owner: str, introduction: list[str]
) -> None:
    server = await lab.server(boxes={"dora": OWNERS[owner]}, trusted=["0.0.0.0/0"])
    dora = await at_the_message(lab, server, AT)
    await dora.hears("message-menu", within=20, seconds=1)
    names = [each.name for each in await dora.heard()]
    assert names[names.index("new-message") + 1 :] == introduction


async def at_the_message(lab: Lab, server: Server, left_at: datetime.datetime | None = None) -> Phone:
    """Dora, to whom her only message is played, with the prompts as they are."""
    draft = await server.mailboxes.begin("dora", caller_uri="sip:+30@example.com")
    if left_at is not None:
        draft.about = dataclasses.replace(draft.about, left_at=left_at.timestamp())
    await asyncio.to_thread(tone, draft.path, MESSAGE, 2.0)
    await server.mailboxes.deliver(draft)
    dora = await lab.phone("dora")
    await dora.call("sip:voicebox@sems")
    await dora.key("1")
    await dora.hears("new-message", within=8)
    return dora


async def test_a_message_of_today_is_said_to_be_of_today(lab: Lab) -> None:
    dora = await at_the_message(lab, await lab.server(boxes={"dora": {}}, trusted=["0.0.0.0/0"]))
    await asyncio.sleep(4)
    # A test may run at midnight.
    assert {"today", "yesterday"} & {each.name for each in await dora.heard()}


async def test_who_has_a_box_here_is_named_and_one_without_a_number_as_he_calls_himself(lab: Lab) -> None:
    anna = await visit(lab)
    spoken: list[tuple[str, str]] = []

    class Voice:
        async def speak(self, text: str, language: str) -> Speech:
            spoken.append((text, language))
            return Speech(bytes(8000), 8000)

    anna.server.voice = Voice()
    await anna.leave("anna", caller_uri="sip:200@sems", caller_name="somebody else")
    await anna.leave("anna", caller_uri="sip:zoe@example.com", caller_name="Zoë")
    await anna.leave("anna", caller_uri="sip:+4930@example.com", caller_name="the bank")
    await anna.leave("anna", caller_uri="sip:anonymous@anonymous.invalid")
    await opened(anna)
    await anna.key("1", 1.0)
    for _ in range(4):
        await anna.key("#", 1.0)
    assert spoken == [("Ben", "en"), ("Zoë", "en")]


async def test_where_there_is_no_voice_the_number_of_one_who_has_a_name_is_said(lab: Lab) -> None:
    anna = await visit(lab)
    anna.server.voice = EspeakNg(program="no-such-voice")
    await anna.leave("anna", caller_uri="sip:200@sems")
    await opened(anna)
    await anna.phone.key("1")
    await anna.phone.hears("digit-2", within=5)
    await anna.phone.hears("digit-0", within=2)


async def test_a_message_that_the_owner_has_heard_is_saved_and_one_at_which_he_hangs_up_stays_new(
    lab: Lab,
) -> None:
    anna = await visit(lab)
    await anna.leave("anna")
    await anna.leave("anna")
    await opened(anna)
    await anna.key("1", 3.0)
    await anna.key("#", 1.0)
    await anna.phone.hang_up()
    await asyncio.sleep(1)
    assert await anna.server.mailboxes.counts("anna") == Counts(new=1, saved=1)


async def test_wrong_pins_open_nothing_and_after_ten_the_right_one_neither(lab: Lab) -> None:
    anna = await visit(lab)
    for _ in range(3):
        assert await anna.call() == ["box-number"]
        assert await anna.key("100#") == ["box-pin"]
        assert await anna.key("1111#") == ["wrong-pin", "box-number"]
        await anna.key("100#")
        await anna.key("1111#")
        await anna.key("100#")
        assert await anna.key("1111#") == ["wrong-pin", "goodbye"]
        await anna.phone.ended()
    await anna.call()
    await anna.key("100#")
    await anna.key("1111#")
    await anna.key("100#")
    assert await anna.key("2580#") == ["box-locked", "goodbye"]
    await anna.phone.ended()
    await asyncio.sleep(900)
    assert "you-have" in await opened(anna)


async def test_who_keys_in_a_box_that_is_not_there_hears_the_same_as_with_a_wrong_pin(lab: Lab) -> None:
    anna = await visit(lab)
    assert await anna.call() == ["box-number"]
    assert await anna.key("999#") == ["box-pin"]
    assert await anna.key("2580#") == ["wrong-pin", "box-number"]


async def test_the_owners_own_telephone_is_asked_for_the_pin_alone_or_where_there_is_none_for_nothing(
    lab: Lab,
) -> None:
    anna = await visit(lab, "anna", trusted=["0.0.0.0/0"])
    assert await anna.call() == ["box-pin"]
    assert (await anna.key("2580#", 3.5))[0] == "you-have"
    await anna.phone.hang_up()
    dora = Visit(anna.server, await lab.phone("dora"))
    assert (await dora.call(seconds=3.0))[:2] == ["you-have", "no-new-messages"]


async def test_a_stranger_with_the_name_of_an_owner_does_not_come_into_his_box(lab: Lab) -> None:
    dora = await visit(lab, "dora")
    assert await dora.call() == ["box-number"]
    routed = await visit_of(dora, lab)
    assert routed == ["box-pin"]


async def visit_of(dora: Visit, lab: Lab) -> list[str]:
    """The same where a route says whose box it is."""
    await dora.phone.hang_up()
    routes = [{"app": "voicebox", "user": "mine", "params": {"box": "open"}}]
    other = Visit(await lab.server(name="other", boxes=BOXES, routes=routes), dora.phone)
    return await other.call("sip:mine@other")


async def test_the_owner_calls_back(lab: Lab) -> None:
    anna = await visit(lab, dialout={"allow": [".*"]})
    caller = await lab.phone("caller")
    await anna.leave("anna", caller_uri="sip:caller@caller")
    await opened(anna)
    await anna.key("1", 4.5)
    await anna.phone.key("4")
    call = await caller.ringing()
    await call.answer()
    await asyncio.sleep(1.0)
    caller.tone(3000)
    assert (await anna.phone.hear(1.0)).has_tone(3000)
    await call.hangup()
    assert "message-menu" in await anna.hear(2.0)


async def test_nobody_is_called_back_who_may_not_be_called(lab: Lab) -> None:
    anna = await visit(lab)
    await anna.leave("anna", caller_uri="sip:0900@expensive.example")
    await opened(anna)
    await anna.key("1", 8.0)
    assert await anna.key("4", 2.5) == ["please-hold", "can-not-call", "message-menu"]


async def test_calls_back_count_for_the_limits_of_dialling_out(lab: Lab) -> None:
    anna = await visit(lab, dialout={"allow": [".*"], "room_per_hour": 1})
    caller = await lab.phone("caller")
    await anna.leave("anna", caller_uri="sip:caller@caller")
    await opened(anna)
    await anna.key("1", 4.5)
    await anna.phone.key("4")
    await (await caller.ringing()).reject(486)
    assert (await anna.hear(3.0))[-2:] == ["nobody-answers", "message-menu"]
    assert await anna.key("4", 2.5) == ["please-hold", "can-not-call", "message-menu"]


async def test_the_owner_replies_to_one_who_has_a_box(lab: Lab) -> None:
    anna = await visit(lab)
    await anna.leave("anna", caller_uri="sip:200@sems")
    await anna.leave("anna", caller_uri="sip:stranger@sems")
    await opened(anna)
    await anna.key("1", 6.5)
    assert await anna.key("5", 1.2) == ["speak-reply"]
    anna.phone.tone(3000)
    await asyncio.sleep(2.0)
    anna.phone.silence()
    assert await anna.key("#", 1.4) == ["message-kept", "message-menu"]
    [reply] = await anna.server.mailboxes.messages("ben")
    assert reply.caller_name == "Anna"
    await anna.key("#", 4.0)
    assert await anna.key("5", 1.2) == ["can-not-reply", "message-menu"]


async def replying(lab: Lab) -> Visit:
    anna = await visit(lab)
    await anna.leave("anna", caller_uri="sip:200@sems")
    await opened(anna)
    await anna.key("1", 6.5)
    assert await anna.key("5", 1.2) == ["speak-reply"]
    return anna


async def test_who_has_nothing_to_reply_leaves_no_message(lab: Lab) -> None:
    anna = await replying(lab)
    assert (await anna.hear(8.0))[-1] == "message-menu"
    assert await anna.server.mailboxes.counts("ben") == Counts()
    assert not list((anna.server.config.data / "drafts").iterdir())


async def test_on_a_full_disk_the_owner_is_told_and_his_reply_is_kept_as_far_as_there_was_room(
    lab: Lab,
) -> None:
    anna = await replying(lab)
    anna.phone.tone(3000)
    with full_disk(16_000):
        assert (await anna.hear(3.0))[0] == "message-late"
        anna.phone.silence()
        assert await anna.key("#", 3.0) == ["not-now", "goodbye"]
    await asyncio.sleep(61)
    [reply] = await anna.server.mailboxes.messages("ben")
    assert 0.85 < reply.seconds < 1.1
    assert not list((anna.server.config.data / "drafts").iterdir())


async def test_a_reply_after_which_the_owner_has_hung_up_comes_when_the_disk_has_room_again(
    lab: Lab,
) -> None:
    anna = await replying(lab)
    anna.phone.tone(3000)
    await asyncio.sleep(3.0)
    with full_disk(16_000):
        await anna.phone.hang_up()
        await asyncio.sleep(1)
        assert await anna.server.mailboxes.counts("ben") == Counts()
    await asyncio.sleep(61)
    [reply] = await anna.server.mailboxes.messages("ben")
    assert reply.caller_name == "Anna"


async def test_the_owner_speaks_a_greeting_and_takes_it_back(lab: Lab) -> None:
    anna = await visit(lab)
    await opened(anna)
    assert await anna.key("2") == ["greeting-menu"]
    assert await anna.key("2") == ["speak-greeting"]
    anna.phone.tone(3000)
    await asyncio.sleep(2.0)
    anna.phone.silence()
    assert "greeting-keep" in await anna.key("#", 4.0)
    assert await anna.key("1", 1.4) == ["greeting-kept", "greeting-menu"]
    spoken = await anna.server.mailboxes.greeting("anna")
    assert spoken is not None
    await anna.phone.key("1")
    assert (await anna.phone.hear(1.0)).has_tone(3000)
    await anna.hear(2.0)
    assert await anna.key("3", 1.4) == ["greeting-usual", "greeting-menu"]
    assert await anna.server.mailboxes.greeting("anna") is None
    assert not list((anna.server.config.data / "drafts").glob("greeting*"))


async def test_the_owner_changes_the_pin(lab: Lab) -> None:
    anna = await visit(lab)
    await opened(anna)
    assert await anna.key("3") == ["new-pin"]
    assert await anna.key("97531#") == ["new-pin-again"]
    assert await anna.key("97531#", 1.4) == ["pin-changed", "box-menu"]
    assert await anna.key("3") == ["new-pin"]
    assert await anna.key("12#", 1.4) == ["pin-not-changed", "box-menu"]
    await anna.phone.hang_up()
    assert "you-have" in await opened(anna, pin="97531")
