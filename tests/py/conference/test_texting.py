"""Text between the pages of a conference and its phones."""

from __future__ import annotations

import asyncio
import re

import pytest

from sems import App, Call, Server
from sems.conference import Message, Remove, Say
from sems.conference.outbox import MOST_WAITING, PART, parts
from sems.conference.text import BURST, LONGEST
from sems.testing import Lab, Phone

from . import rooms
from .old_phone import OldPhone
from .rooms import ROOM, standup


async def meeting(lab: Lab, *names: str, **settings: object) -> tuple[Server, list[Phone]]:
    """Phones in the room, which have taken the texts with their links."""
    server, phones = await rooms.meeting(lab, *names, **settings)
    for phone in phones:
        await phone.message()
    return server, phones


async def join_as(lab: Lab, name: str) -> None:
    """Somebody who shows this name comes in."""
    phone = await lab.phone("another")
    call = await phone.server.place(ROOM, destination=lab.resolve("sems"), from_name=name)
    await call.wait_answered()


def written(server: Server) -> list[Message]:
    return list(standup(server).model.messages.values())


def say(server: Server, by: int | None, text: str, to: tuple[int, ...] | None = None) -> None:
    standup(server).do(Say(text, at=asyncio.get_running_loop().time(), to=to), by=by)


async def hears_nothing(phone: Phone, seconds: float = 40.0) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await phone.message()
    except TimeoutError:
        return True
    return False


# From phones


async def test_a_text_within_the_call_appears_in_the_room_and_on_the_other_phones(lab: Lab) -> None:
    server, (anna, ben, cleo) = await meeting(lab, "anna", "ben", "cleo")
    assert anna.line is not None
    assert (await anna.line.send_message("Hello, all")).code == 200
    (line,) = written(server)
    assert (line.sender, line.name, line.text, line.to) == (1, "anna", "Hello, all", None)
    assert [(await phone.message()).text for phone in (ben, cleo)] == ["anna: Hello, all"] * 2
    assert await hears_nothing(anna, 2)


async def test_a_text_to_the_address_of_the_room_is_known_by_its_sender(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    assert (await ben.send_message(ROOM, "Hello")).code == 200
    assert [(line.sender, line.text) for line in written(server)] == [(2, "Hello")]


async def test_one_who_is_not_in_the_room_is_refused_plainly(lab: Lab) -> None:
    server, _ = await meeting(lab, "anna")
    zoe = await lab.phone("zoe")
    for room in (ROOM, "sip:nobody-is-here@sems"):
        response = await zoe.send_message(room, "Let me in")
        assert (response.code, response.reason) == (403, "You Are Not In This Room")
    await zoe.call("sip:retro@sems")
    assert (await zoe.send_message(ROOM, "Let me in")).code == 403
    assert not written(server)


async def test_the_from_of_a_member_is_worth_nothing_from_another_address(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    zoe = await lab.phone("zoe")
    response = await zoe.server.send_message(
        ROOM, "I resign", destination=lab.resolve("sems"), from_name="anna", from_uri=anna.uri
    )
    assert response.code == 403
    assert not written(server)


async def test_a_phone_that_shows_another_from_is_not_the_member(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    response = await anna.server.send_message(
        ROOM, "Hello", destination=lab.resolve("sems"), from_uri="sip:ben@10.0.0.77"
    )
    assert response.code == 403
    assert not written(server)


async def test_a_from_that_names_nobody_proves_nothing(lab: Lab) -> None:
    await lab.server()
    anna = await lab.phone("anna")
    place = lab.resolve("sems")
    call = await anna.server.place(ROOM, destination=place, privacy=["id"])
    await call.wait_answered()
    assert call.headers["From"].startswith('"Anonymous"')
    response = await anna.server.send_message(ROOM, "Guess who", destination=place, privacy=["id"])
    assert response.code == 403
    assert (await call.send_message("Guess who")).code == 200


async def test_where_passwords_are_asked_for_they_say_who_writes(lab: Lab) -> None:
    users = [{"name": name, "password": f"{name}-secret"} for name in ("anna", "ben")]
    server = await lab.server(auth={"challenge": ["INVITE", "MESSAGE"], "users": users})
    anna, zoe = [await lab.phone(name) for name in ("anna", "zoe")]
    place = lab.resolve("sems")

    async def text(phone: Phone, user: str) -> int:
        response = await phone.server.send_message(
            ROOM, "Hello", destination=place, from_uri=anna.uri, username=user, password=f"{user}-secret"
        )
        return response.code

    call = await anna.server.place(
        ROOM, destination=place, from_uri=anna.uri, username="anna", password="anna-secret"
    )
    await call.wait_answered()
    assert await text(zoe, "ben") == 403
    assert await text(anna, "ben") == 403
    assert await text(zoe, "anna") == 200
    assert [line.sender for line in written(server)] == [1]


async def test_where_calls_show_a_password_texts_have_to_as_well(lab: Lab) -> None:
    users = [{"name": "anna", "password": "anna-secret"}]
    await lab.server(auth={"challenge": ["INVITE"], "users": users})
    anna = await lab.phone("anna")
    call = await anna.server.place(
        ROOM, destination=lab.resolve("sems"), from_uri=anna.uri, username="anna", password="anna-secret"
    )
    await call.wait_answered()
    assert (await anna.send_message(ROOM, "Hello")).code == 403


async def test_by_way_of_a_trusted_proxy_its_word_counts(lab: Lab) -> None:
    server = await lab.server(trusted=["10.0.0.0/8"])
    proxy = await lab.phone("proxy")
    place = lab.resolve("sems")

    async def text(asserted: str) -> int:
        response = await proxy.server.send_message(
            ROOM, "Hello", destination=place, from_uri="sip:anna@example.org", asserted_identity=asserted
        )
        return response.code

    call = await proxy.server.place(
        ROOM, destination=place, from_uri="sip:anna@example.org", asserted_identity="sip:anna@example.org"
    )
    await call.wait_answered()
    assert await text("sip:ben@example.org") == 403
    assert await text("sip:anna@example.org") == 200
    assert len(written(server)) == 1


async def test_one_whom_we_have_called_is_known_as_well(lab: Lab) -> None:
    app = App("inviting")

    @app.call
    async def invite(call: Call) -> None:
        await call.server.conferences.get("standup").join(await call.server.dial(call.params["whom"]))

    server = await lab.server(apps=[app], trusted=["10.0.0.0/8"])
    anna, ben = [await lab.phone(name) for name in ("anna", "ben")]
    await anna.dial("sip:inviting@sems", headers=[("P-App-Param", f"whom={ben.uri}")])
    await (await ben.ringing()).answer()
    await ben.message()
    assert (await ben.send_message(ROOM, "Here I am")).code == 200
    assert [line.sender for line in written(server)] == [1]


async def test_what_is_too_much_is_refused_with_the_reason(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    assert anna.line is not None
    response = await anna.line.send_message("x" * (LONGEST + 1))
    assert (response.code, str(LONGEST) in response.reason) == (413, True)
    assert (await anna.line.send_message("\x00")).code == 400
    codes = [(await anna.line.send_message("Buy!")).code for _ in range(BURST)]
    assert codes == [200] * BURST
    response = await anna.line.send_message("Buy!")
    assert (response.code, response.headers["Retry-After"]) == (480, "10")
    assert "busy" in response.reason
    assert len(written(server)) == BURST


async def test_who_was_removed_writes_no_more(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    standup(server).do(Remove(2), by=1)
    assert ben.line is not None
    assert (await ben.line.send_message("But")).code == 403
    assert (await ben.send_message(ROOM, "But")).code == 403
    assert not written(server)


async def test_only_what_can_be_read_reaches_the_others(lab: Lab) -> None:
    server, (anna, ben) = await meeting(lab, "anna", "ben")
    assert anna.line is not None
    await anna.line.send_message("<b>\x1b[31mred\x07</b>\r\ncleo: I agree\u202e")
    assert written(server)[0].text == "<b>[31mred</b>\ncleo: I agree"
    text = (await ben.message()).text
    assert text == "anna: <b>[31mred</b>\n  cleo: I agree", "no line looks like that of another"


@pytest.mark.parametrize(
    ("text", "to", "said"),
    [
        ("@ben: Just us", (2,), "Just us"),
        ("@Ben Just us", (2,), "Just us"),
        ("@cleo Smith, just us", (3,), "just us"),
        ("@smith just us", (3,), "just us"),
        ("@all of you", None, "@all of you"),
        ("me@ben.example", None, "me@ben.example"),
    ],
)
async def test_a_text_that_begins_with_a_name_is_for_that_member_alone(
    lab: Lab, text: str, to: tuple[int, ...] | None, said: str
) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    await join_as(lab, "Cleo Smith")
    assert anna.line is not None
    assert (await anna.line.send_message(text)).code == 200
    (line,) = written(server)
    assert (line.to, line.text) == (to, said)


async def test_what_is_for_one_whose_name_begins_like_all_is_not_told_to_all(lab: Lab) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    for name in ("Allison", "All Saints", "ALL"):
        await join_as(lab, name)
    assert anna.line is not None
    for text in ("@Allison psst", "@all saints psst", "@all: hello", "@Everybody hello"):
        assert (await anna.line.send_message(text)).code == 200
    assert (await anna.line.send_message("@Allan psst")).code == 404
    assert [(line.to, line.text) for line in written(server)] == [
        *(((3,), "psst"), ((4,), "psst")),
        *((None, "@all: hello"), (None, "@Everybody hello")),
    ]


@pytest.mark.parametrize("text", ["@bem Anna is wrong", "@benjamin hi", "@anna to myself", "@ hello", "@"])
async def test_a_private_text_to_a_name_that_nobody_has_is_not_told_to_all(lab: Lab, text: str) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    assert anna.line is not None
    response = await anna.line.send_message(text)
    assert (response.code, "nobody of this name" in response.reason) == (404, True)
    assert not written(server)


async def test_a_name_that_two_have_is_nobodys(lab: Lab) -> None:
    server, (anna, _, _) = await meeting(lab, "anna", "ben", "cleo")
    await join_as(lab, "Ben")
    assert anna.line is not None
    assert (await anna.line.send_message("@ben psst")).code == 404
    assert not written(server)


# To phones


async def test_a_private_line_reaches_only_the_phones_that_it_is_for_and_says_so(lab: Lab) -> None:
    server, (_, ben, cleo) = await meeting(lab, "anna", "ben", "cleo")
    say(server, 1, "Psst", to=(3,))
    assert (await cleo.message()).text == "anna (only to you): Psst"
    assert await hears_nothing(ben, 2)


async def test_what_the_operator_writes_reaches_all_phones(lab: Lab) -> None:
    server, phones = await meeting(lab, "anna", "ben")
    say(server, None, "The building is closing")
    for phone in phones:
        assert (await phone.message()).text == "Operator: The building is closing"


async def test_lines_come_in_their_order_one_after_the_other(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    for number in range(BURST):
        say(server, 1, str(number))
    assert [(await ben.message()).text for _ in range(BURST)] == [f"anna: {n}" for n in range(BURST)]


async def test_a_long_line_comes_in_parts(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    text = "Ünd so weiter " * 120
    say(server, 1, text)
    first = await ben.message()
    count = int(re.search(r"\(1/(\d)\)$", first.text)[1])  # type: ignore[index]
    told = [first, *[await ben.message() for _ in range(count - 1)]]
    assert all(len(part.body) <= PART for part in told)
    whole = " ".join(part.text.rpartition(" (")[0] for part in told)
    assert whole == f"anna: {text.strip()}"
    assert server.engine.core.stats()["sip_repeated"] == 0


def test_what_has_no_spaces_is_parted_where_it_must_be() -> None:
    told = parts("ü" * 1000, 100)
    assert all(len(part.encode()) <= 100 for part in told)
    assert "".join(part.rpartition(" (")[0] for part in told) == "ü" * 1000
    assert parts("short") == ["short"]


async def test_a_phone_that_vanishes_fails_and_the_sender_is_told(lab: Lab) -> None:
    server, (_, ben, cleo) = await meeting(lab, "anna", "ben", "cleo")
    await ben.vanish()
    say(server, 1, "Hello")
    assert (await cleo.message()).text == "anna: Hello"
    await asyncio.sleep(40)
    (failure,) = written(server)[0].failed
    assert (failure.participant, failure.name, failure.reason) == (2, "ben", "This phone does not answer.")


async def test_more_lines_than_a_slow_phone_takes_fail_at_once(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    await ben.vanish()
    for number in range(MOST_WAITING + 2):
        standup(server).do(Say(str(number), at=10.0 * number), by=1)
    await asyncio.sleep(1)
    (failure,) = written(server)[-1].failed
    assert failure.reason == "Too many texts wait for this phone."


async def test_a_line_to_one_who_leaves_meanwhile_is_no_failure(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    say(server, 1, "Bye")
    await ben.hang_up()
    await asyncio.sleep(1)
    assert not written(server)[0].failed


# Phones that take no texts, or don't say whether they do


async def old_phone(lab: Lab, allow: str | None, code: int, **room: object) -> tuple[Server, Phone, OldPhone]:
    """Anna (1), whose phone knows texts, and Olga (2), who has a page nowhere."""
    server = await lab.server(rooms={"default": room})
    anna = await lab.phone("anna")
    await anna.call(ROOM)
    olga = OldPhone(lab, server, allow=allow, code=code)
    await olga.call()
    return server, anna, olga


def takes_texts(server: Server, id: int) -> bool:
    return standup(server).model.participants[id].texts


async def test_a_phone_that_does_not_allow_texts_is_left_alone(lab: Lab) -> None:
    server, _, olga = await old_phone(lab, "INVITE, ACK, CANCEL, BYE", 200)
    say(server, 1, "Hello")
    await asyncio.sleep(1)
    assert not olga.texts
    assert not written(server)[0].failed
    assert not takes_texts(server, 2)
    olga.hang_up()


async def test_a_private_line_to_somebody_without_phone_and_page_for_it_fails(lab: Lab) -> None:
    server, _, olga = await old_phone(lab, "INVITE, ACK, CANCEL, BYE", 200)
    say(server, 1, "Psst", to=(2,))
    await asyncio.sleep(1)
    (failure,) = written(server)[0].failed
    assert failure.reason == "The page is not open there, and this phone takes no texts."
    # With the page open it does not.
    standup(server).members[2].watchers.add(asyncio.Event())
    say(server, 1, "Psst", to=(2,))
    await asyncio.sleep(1)
    assert not written(server)[1].failed
    olga.hang_up()


async def test_a_phone_that_does_not_say_what_it_takes_is_tried_and_then_known(lab: Lab) -> None:
    server, _, olga = await old_phone(lab, None, 200)
    assert not takes_texts(server, 2)
    await asyncio.sleep(1)
    assert not olga.texts, "no link is sent to one that may not like it"
    say(server, 1, "Hello")
    await asyncio.sleep(1)
    assert olga.texts == ["anna: Hello"]
    assert takes_texts(server, 2)
    olga.hang_up()


@pytest.mark.parametrize("code", [405, 415, 501])
async def test_a_phone_that_was_tried_and_takes_none_is_not_tried_again(lab: Lab, code: int) -> None:
    server, _, olga = await old_phone(lab, None, code)
    for number in range(3):
        say(server, 1, str(number))
    await asyncio.sleep(1)
    assert olga.texts == ["anna: 0"]
    assert not takes_texts(server, 2)
    assert not any(line.failed for line in written(server)), "nobody was promised anything"
    say(server, 1, "Psst", to=(2,))
    await asyncio.sleep(1)
    assert written(server)[-1].failed
    olga.hang_up()


async def test_a_phone_that_breaks_its_word_is_not_believed_again(lab: Lab) -> None:
    server, _, olga = await old_phone(lab, "INVITE, ACK, BYE, MESSAGE", 415, link_as_text=False)
    assert takes_texts(server, 2)
    say(server, 1, "Hello")
    await asyncio.sleep(1)
    assert [each.reason for each in written(server)[0].failed] == ["This phone takes no texts."]
    assert not takes_texts(server, 2)
    olga.hang_up()


async def test_a_phone_that_refuses_one_text_is_tried_with_the_next(lab: Lab) -> None:
    server, _, olga = await old_phone(lab, "INVITE, ACK, BYE, MESSAGE", 480, link_as_text=False)
    for number in range(2):
        say(server, 1, str(number))
    await asyncio.sleep(1)
    assert olga.texts == ["anna: 0", "anna: 1"]
    reasons = [line.failed[0].reason for line in written(server)]
    assert reasons == ["This phone has refused the text."] * 2
    olga.hang_up()


async def test_where_texts_stay_on_the_pages_no_phone_gets_any(lab: Lab) -> None:
    server, _, olga = await old_phone(lab, "INVITE, ACK, BYE, MESSAGE", 200, texts_to_phones=False)
    say(server, 1, "Hello")
    await asyncio.sleep(1)
    assert len(olga.texts) == 1, "the link"
    assert not takes_texts(server, 2)
    olga.hang_up()


# The link


async def test_a_phone_that_takes_texts_gets_the_link_to_its_page_once(lab: Lab) -> None:
    await lab.server()
    anna = await lab.phone("anna")
    await anna.call(ROOM)
    text = await anna.message()
    assert text.text == f"Your page for this conference: {anna.link}"
    assert text.call is anna.line
    await anna.hold()
    await anna.hold(False)
    assert await hears_nothing(anna)


async def test_the_link_is_sent_in_the_language_of_the_room(lab: Lab) -> None:
    await lab.server(rooms={"default": {"language": "de"}})
    anna = await lab.phone("anna")
    await anna.call(ROOM)
    assert (await anna.message()).text == f"Ihre Seite zu dieser Konferenz: {anna.link}"


async def test_the_link_is_not_sent_where_that_is_not_wanted(lab: Lab) -> None:
    await lab.server(rooms={"default": {"link_as_text": False}})
    anna = await lab.phone("anna")
    await anna.call(ROOM)
    assert await hears_nothing(anna, 2)


async def test_a_phone_that_takes_the_place_of_another_is_asked_anew(lab: Lab) -> None:
    server, (anna, ben) = await meeting(lab, "anna", "ben")
    assert takes_texts(server, 1)
    headers = anna.headers
    tags = [re.search(r";tag=([^;]+)", headers[name]) for name in ("To", "From")]
    to_tag, from_tag = (tag[1] for tag in tags if tag)
    replaces = f"{headers['Call-ID']};to-tag={to_tag};from-tag={from_tag}"
    zoe = await lab.phone("zoe")
    await zoe.call(ROOM, headers=[("Replaces", replaces)])
    say(server, 2, "Hello")
    assert (await zoe.message()).text == "ben: Hello"
    assert ben.line is not None
    assert (await zoe.send_message(ROOM, "Me again")).code == 200
    assert (await anna.send_message(ROOM, "Me again")).code == 403


@pytest.mark.parametrize(
    ("user_agent", "described"), [("Old 1.0", True), ("Linphonec/5.1.65 (belle-sip/5.1.64)", False)]
)
async def test_a_phone_that_chokes_on_a_link_in_the_description_gets_it_otherwise(
    lab: Lab, user_agent: str, described: bool
) -> None:
    server = await lab.server()
    olga = OldPhone(lab, server, allow="INVITE, ACK, BYE, MESSAGE", code=200, user_agent=user_agent)
    await olga.call()
    await asyncio.sleep(1)
    (text,) = olga.texts
    link = text.rpartition(" ")[2]
    assert (f"\r\nu={link}\r\n" in olga.answer) == described
    assert f"\r\nCall-Info: <{link}>;purpose=info\r\n" in olga.answer
    olga.hang_up()
