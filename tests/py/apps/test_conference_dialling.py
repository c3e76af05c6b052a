"""People who are called into a conference, and their telephones."""

from __future__ import annotations

import asyncio

import pytest
from meeting import LONELY, TONES, meet, model

from sems import Server
from sems.conference import (
    CancelCall,
    Dial,
    Dialling,
    DialState,
    EarlyLink,
    LinesBusy,
    Lock,
    NotAllowed,
    Presence,
    Redial,
)
from sems.testing import Lab, Phone

NEIGHBOURS = {"trusted": ["10.0.0.0/8"]}
OPEN = {"dialout": {"allow": ["*"]}, **NEIGHBOURS}


def only_call(server: Server) -> Dialling:
    (call,) = model(server).calls.values()
    return call


async def until(server: Server, state: DialState) -> Dialling:
    """Waits until the only call is so."""
    told = asyncio.Event()
    unsubscribe = model(server).subscribe(lambda _: told.set())
    while only_call(server).state is not state:
        await told.wait()
        told.clear()
    unsubscribe()
    return only_call(server)


async def test_who_is_called_rings_answers_and_talks_with_the_others(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    anna, _ = await meet(lab, "anna", "ben")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri, "Cleo"), by=1)
    assert only_call(server).state is DialState.TRYING
    incoming = await cleo.ringing()
    assert incoming.caller_name == "standup"
    call = await until(server, DialState.RINGING)
    assert (call.id, call.code) == (3, 180)
    await incoming.answer()
    await asyncio.sleep(0.5)
    assert not model(server).calls
    him = model(server).participants[3]
    assert (him.name, him.presence) == ("Cleo", Presence.DIALLED)
    cleo.tone(TONES["cleo"])
    await asyncio.sleep(0.3)
    assert (await anna.hear(1)).has_tone(TONES["cleo"])
    heard = await cleo.hear(1)
    assert heard.has_tone(TONES["anna"])
    assert heard.has_tone(TONES["ben"])
    assert not heard.has_tone(TONES["cleo"])
    await cleo.hang_up()
    await asyncio.sleep(0.2)
    assert 3 not in model(server).participants


async def test_who_was_called_has_a_page_of_his_own_once_he_has_answered(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    link = incoming.headers["Call-Info"]
    token = link.partition("/c/")[2].partition(">")[0]
    links = server.conferences.links
    with pytest.raises(EarlyLink):
        links.find(token)
    await incoming.answer()
    await asyncio.sleep(0.5)
    assert links.find(token).id == 2
    await cleo.key("*9")
    await asyncio.sleep(0.2)
    assert model(server).hands == (2,)


async def test_several_are_called_at_once_and_each_says_how_it_went(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    busy, away, here = [await lab.phone(name) for name in ("busy", "away", "here")]
    model(server).do(*(Dial(phone.uri) for phone in (busy, away, here)), by=1)
    await (await busy.ringing()).reject(486)
    await (await away.ringing()).reject(480, "Gone Fishing")
    await (await here.ringing()).answer()
    await asyncio.sleep(0.5)
    calls = model(server).calls
    assert [(each.state, each.code, each.reason, each.phrase) for each in calls.values()] == [
        (DialState.FAILED, 486, "busy", "Busy Here"),
        (DialState.FAILED, 480, "did not answer", "Gone Fishing"),
    ]
    assert model(server).participants[4].name == "here"
    await asyncio.sleep(61)
    assert not calls, "it is forgotten after a minute"


async def test_who_dialled_hears_that_it_was_in_vain(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    anna, ben = await meet(lab, "anna", "ben")
    ben.silence()
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    refusing = asyncio.create_task(incoming.reject(486))
    heard = await anna.hear(1)
    assert not heard.is_silent
    assert (await ben.hear(1)).has_tone(TONES["anna"])
    await refusing


async def test_a_call_that_is_taken_back_stops_ringing(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    model(server).do(CancelCall(2), by=1)
    assert (await incoming.wait_ended()).cause == "cancelled"
    assert only_call(server).state is DialState.CANCELLED
    # Once more, and this time he is quick.
    model(server).do(Redial(2), by=1)
    await (await cleo.ringing()).answer()
    await asyncio.sleep(0.5)
    assert model(server).participants[2].name == "cleo"
    assert len(server.calls) == 2


async def test_an_answer_that_crosses_with_the_taking_back_brings_nobody_in(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    answering = asyncio.create_task(incoming.answer())
    await asyncio.sleep(0)
    model(server).do(CancelCall(2), by=1)
    await asyncio.wait({answering})
    await incoming.wait_ended()
    await asyncio.sleep(1)
    assert 2 not in model(server).participants
    assert len(server.calls) == 1


async def test_nobody_is_called_into_a_room_that_everybody_has_left(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    (anna,) = await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    await anna.hang_up()
    assert (await incoming.wait_ended()).cause == "cancelled"
    await asyncio.sleep(1)
    assert not server.calls
    assert server.conferences.find("standup") is None


async def test_an_answer_that_comes_as_the_last_one_leaves_is_hung_up(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    (anna,) = await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    answering = asyncio.create_task(incoming.answer())
    leaving = asyncio.create_task(anna.hang_up())
    await asyncio.wait({answering, leaving})
    await incoming.wait_ended()
    await asyncio.sleep(1)
    assert not server.calls
    assert not server.rooms


async def test_nobody_is_brought_to_those_who_only_wait(lab: Lab) -> None:
    server = await lab.server(**OPEN, rooms={"default": {"waiting_room": True, "moderator": "none"}})
    anna, ben, cleo = [await lab.phone(name) for name in ("anna", "ben", "cleo")]
    await anna.call("sip:standup@sems", headers=[("P-App-Param", "role=moderator")])
    await ben.call("sip:standup@sems")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    await anna.hang_up()
    async with asyncio.timeout(1):
        assert (await incoming.wait_ended()).cause == "cancelled"
    assert list(model(server).waiting) == [2]


async def test_whoever_does_not_answer_is_given_up(lab: Lab) -> None:
    server = await lab.server(dialout={"allow": ["*"], "ring_time": 20}, **NEIGHBOURS)
    await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    assert (await incoming.wait_ended()).cause == "cancelled"
    call = await until(server, DialState.FAILED)
    assert (call.code, call.reason) == (408, "did not answer")


async def test_who_can_not_be_found_fails_with_the_code(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    for target, code in (("sip:x@10.0.0.99", 408), ("sips:x@10.0.0.99", 503)):
        model(server).do(Dial(target), by=1)
        call = await until(server, DialState.FAILED)
        assert call.code == code, call
        model(server).do(CancelCall(call.id), by=1)


async def test_a_redirect_is_followed_where_that_may_be_dialled_and_nowhere_else(lab: Lab) -> None:
    alice, bob, carol = [await lab.phone(name) for name in ("alice", "bob", "carol")]
    allowed = [rf"sip:alice@{alice.address}", rf"sip:bob@{bob.address}"]
    server = await lab.server(dialout={"allow": allowed}, **NEIGHBOURS)
    await meet(lab, "anna")
    model(server).do(Dial(alice.uri), by=1)
    first = await alice.ringing()
    contacts = [f"<{carol.uri}>", f"<{carol.uri};maddr={bob.address}>", f"<{bob.uri}>"]
    await first.reject(302, headers=[("Contact", contact) for contact in contacts])
    second = await bob.ringing()
    assert second.headers["Call-Info"] != first.headers["Call-Info"]
    await second.answer()
    await asyncio.sleep(0.5)
    assert model(server).participants[2].name == "alice"
    assert carol._coming.empty()

    model(server).do(Dial(alice.uri), by=1)
    await (await alice.ringing()).reject(302, headers=[("Contact", f"<{carol.uri}>")])
    call = await until(server, DialState.FAILED)
    assert (call.code, call.reason) == (302, "to be reached elsewhere")
    assert carol._coming.empty()


async def test_a_locked_room_is_open_for_whom_it_calls_and_a_full_one_is_not(lab: Lab) -> None:
    server = await lab.server(**OPEN, rooms={"default": {"max_members": 2}})
    await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Lock(), Dial(cleo.uri), by=1)
    await (await cleo.ringing()).answer()
    await asyncio.sleep(0.5)
    assert model(server).participants[2].name == "cleo"


async def test_limits_hold_until_a_call_is_over(lab: Lab) -> None:
    server = await lab.server(dialout={"allow": ["*"], "room_concurrent": 1}, **NEIGHBOURS)
    await meet(lab, "anna")
    cleo, dora = await lab.phone("cleo"), await lab.phone("dora")
    model(server).do(Dial(cleo.uri), by=1)
    await (await cleo.ringing()).answer()
    await asyncio.sleep(0.5)
    with pytest.raises(LinesBusy):
        model(server).do(Dial(dora.uri), by=1)
    await cleo.hang_up()
    await asyncio.sleep(0.5)
    model(server).do(Dial(dora.uri), by=1)
    await dora.ringing()


async def test_a_room_that_dials_a_room_of_the_same_server_is_told_of_the_loop(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    address = server.engine.core.sip_addresses()[0]
    for room in ("standup", "retro"):
        model(server).do(Dial(f"sip:{room}@{address}"), by=1)
        call = await until(server, DialState.FAILED)
        assert call.code == 482
        model(server).do(CancelCall(call.id), by=1)
    assert list(model(server).participants) == [1]
    assert server.conferences.find("retro") is None


async def test_dialout_from_says_who_calls_and_where_numbers_are(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    pbx = await lab.phone("pbx")
    anna = await lab.phone("anna")
    says = f'Dialout-From="Board room <sip:+4930555@{pbx.address}>"'
    await anna.call("sip:standup@sems", headers=[("P-App-Param", says)])
    for by in (1, None):
        model(server).do(Dial(f"sip:100@{pbx.address}"), by=by)
        incoming = await pbx.ringing()
        assert (incoming.caller_name, incoming.caller_user) == ("Board room", "+4930555")
        await incoming.reject(404)
        await asyncio.sleep(0.2)
    model(server).do(CancelCall(2), by=1)
    call = await until(server, DialState.FAILED)
    assert call.reason == "nobody has this name or number"


async def test_numbers_go_to_the_domain_with_the_name_and_password_that_it_asks_for(lab: Lab) -> None:
    pbx = await lab.server(
        name="pbx",
        auth={"challenge": ["INVITE"], "realm": "pbx", "users": [{"name": "meet", "password": "secret"}]},
    )
    place = pbx.engine.core.sip_addresses()[0]
    ours = {"allow": [r"\d+"], "domain": place, "caller": "Meeting <sip:meet@pbx.example>"}
    server = await lab.server(dialout={**ours, "username": "meet", "password": "secret"}, **NEIGHBOURS)
    await meet(lab, "anna")
    model(server).do(Dial("100"), by=1)
    await asyncio.sleep(1)
    assert model(server).participants[2].name == "100"
    (there,) = pbx.calls.values()
    assert (there.authenticated_user, there.caller_name, there.user) == ("meet", "Meeting", "100")


async def test_an_account_calls_as_itself_with_the_password_that_it_has(lab: Lab) -> None:
    users = [{"name": "meet", "password": "secret"}]
    pbx = await lab.server(
        name="pbx",
        auth={"challenge": ["INVITE"], "realm": "pbx", "users": users},
        registrar={"enabled": True, "domains": ["pbx"]},
    )
    account = {"uri": "sip:meet@pbx", "password": "secret"}
    server = await lab.server(
        accounts=[account], dialout={"allow": [r"\d+"], "account": "meet@pbx"}, **NEIGHBOURS
    )
    await meet(lab, "anna")
    model(server).do(Dial("100"), by=1)
    await asyncio.sleep(1)
    assert model(server).participants[2].name == "100"
    (there,) = pbx.calls.values()
    assert (there.authenticated_user, there.caller_uri, there.user) == ("meet", "sip:meet@pbx", "100")


async def test_who_has_no_password_is_not_let_through(lab: Lab) -> None:
    pbx = await lab.server(
        name="pbx",
        auth={"challenge": ["INVITE"], "realm": "pbx", "users": [{"name": "meet", "password": "secret"}]},
    )
    place = pbx.engine.core.sip_addresses()[0]
    server = await lab.server(dialout={"allow": ["*"], "domain": place}, **NEIGHBOURS)
    await meet(lab, "anna")
    model(server).do(Dial("100"), by=1)
    call = await until(server, DialState.FAILED)
    assert (call.code, call.reason) == (401, "not allowed there")


async def test_all_phones_of_a_registered_user_are_tried(lab: Lab) -> None:
    server = await lab.server(**OPEN, registrar={"enabled": True, "domains": ["example.com"]})
    await meet(lab, "anna")
    old, new = await lab.phone("old"), await lab.phone("new")
    for phone in (old, new):
        registered = await phone.server.request(
            "REGISTER",
            "sip:zoe@example.com",
            destination=lab.resolve("sems"),
            headers=[("Contact", f"<{phone.uri}>")],
        )
        assert registered.code == 200
    model(server).do(Dial("zoe@example.com"), by=1)
    await (await new.ringing()).reject(486)
    await (await old.ringing()).answer()
    await asyncio.sleep(0.5)
    assert model(server).participants[2].name == "zoe"


async def test_a_stop_leaves_no_call_behind(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    cleo, dora = await lab.phone("cleo"), await lab.phone("dora")
    model(server).do(Dial(cleo.uri), Dial(dora.uri), by=1)
    ringing = await cleo.ringing()
    await (await dora.ringing()).answer()
    await asyncio.sleep(0.5)
    await server.stop()
    assert (await ringing.wait_ended()).cause == "cancelled"
    assert (await dora.ended()).cause == "remote"


async def test_the_dialled_hears_the_room_at_once(lab: Lab) -> None:
    server = await lab.server(**OPEN)
    anna, _ = await meet(lab, "anna", "ben")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    await (await cleo.ringing()).answer()
    heard: Phone = cleo
    assert (await heard.hear(LONELY)).after(1.0).has_tone(TONES["anna"])
    assert (await anna.hear(1)).has_tone(TONES["ben"])


async def test_a_phone_dials_by_key_takes_that_back_and_dials_again(lab: Lab) -> None:
    pbx = await lab.phone("pbx")
    server = await lab.server(dialout={"allow": [r"\d+"], "domain": pbx.address}, **NEIGHBOURS)
    anna, ben = await meet(lab, "anna", "ben")
    anna.silence()
    await anna.key("#0100#")
    incoming = await pbx.ringing()
    assert (incoming.user, incoming.caller_name) == ("100", "standup")
    await anna.key("#9")
    assert (await incoming.wait_ended()).cause == "cancelled"
    await anna.key("#2")
    await (await pbx.ringing()).answer()
    await asyncio.sleep(0.5)
    assert model(server).participants[3].name == "100"
    # There is nothing more to take back, and Ben may not dial at all.
    for phone, keys in ((anna, "#9"), (anna, "#2"), (ben, "#0100#")):
        await asyncio.sleep(1)
        await phone.key(keys)
        assert (await phone.hear(0.4)).has_tone(220)
    assert not model(server).calls


async def test_a_key_that_dials_nobody_knows_says_so(lab: Lab) -> None:
    await lab.server(**OPEN)
    anna, _ = await meet(lab, "anna", "ben")
    await anna.key("#0100#")
    assert (await anna.hear(0.4)).has_tone(220), "no domain is configured"


async def test_where_everyone_may_dial_each_takes_back_his_own(lab: Lab) -> None:
    pbx = await lab.phone("pbx")
    server = await lab.server(
        dialout={"allow": ["*"], "domain": pbx.address, "who": "everyone"}, **NEIGHBOURS
    )
    _, ben = await meet(lab, "anna", "ben")
    await ben.key("#0100#")
    first = await pbx.ringing()
    model(server).do(Dial("200"), by=1)
    second = await pbx.ringing()
    await ben.key("#9")
    assert (await first.wait_ended()).cause == "cancelled"
    await ben.key("#9")
    await asyncio.sleep(0.5)
    assert second.end is None
    await second.reject(486)


async def test_a_stranger_who_comes_first_dials_nobody_unless_that_is_wanted(lab: Lab) -> None:
    for strangers in (False, True):
        server = await lab.server(
            name=f"sems-{strangers}".lower(),
            dialout={"allow": ["*"], "strangers": strangers},
            trusted=["10.99.0.0/16"],
        )
        anna, cleo = await lab.phone(f"anna-{strangers}"), await lab.phone(f"cleo-{strangers}")
        await anna.call(f"sip:standup@sems-{strangers}".lower())
        assert model(server).participants[1].moderates
        if strangers:
            model(server).do(Dial(cleo.uri), by=1)
        else:
            with pytest.raises(NotAllowed, match="password or PIN"):
                model(server).do(Dial(cleo.uri), by=1)
            model(server).do(Dial(cleo.uri), by=None)
        await (await cleo.ringing()).answer()


async def test_who_has_keyed_in_the_pin_of_a_moderator_may_dial(lab: Lab) -> None:
    server = await lab.server(dialout={"allow": ["*"]}, rooms={"default": {"moderator_pin": "4711"}})
    anna, cleo = await lab.phone("anna"), await lab.phone("cleo")
    await anna.call("sip:standup@sems")
    await asyncio.sleep(1)
    await anna.key("4711#")
    await asyncio.sleep(3)
    model(server).do(Dial(cleo.uri), by=1)
    await cleo.ringing()


async def test_who_rings_with_a_sound_of_his_own_rings_too_and_a_chatty_phone_floods_nobody(
    lab: Lab,
) -> None:
    server = await lab.server(**OPEN)
    await meet(lab, "anna")
    cleo = await lab.phone("cleo")
    model(server).do(Dial(cleo.uri), by=1)
    incoming = await cleo.ringing()
    before = model(server).sequence
    for _ in range(5):
        await incoming.ring(183, early_media=True)
        await incoming.ring(181)
    await asyncio.sleep(0.5)
    assert only_call(server).state is DialState.RINGING
    assert model(server).sequence - before <= 4
    await incoming.answer()
    await asyncio.sleep(0.5)
    assert 2 in model(server).participants
