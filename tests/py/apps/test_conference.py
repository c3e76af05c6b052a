"""The app ``conference``."""

from __future__ import annotations

import asyncio

import pytest
from meeting import LONELY, TONES, meet, model, unheard

from sems import CallFailed
from sems.conference import Lock, LowerHand, Mute, Presence, RaiseHand, Readmit, Remove, Role
from sems.testing import Lab

QUIET = {"rooms": {"default": {"join_sound": False}}}
NEIGHBOURS = {"trusted": ["10.0.0.0/8"]}


async def test_three_phones_hear_the_others_and_never_themselves(lab: Lab) -> None:
    await lab.server()
    phones = await meet(lab, "anna", "ben", "cleo")
    for phone in phones:
        heard = await phone.hear(1)
        assert {name for name, hz in TONES.items() if heard.has_tone(hz)} == TONES.keys() - {phone.name}


async def test_rooms_do_not_hear_each_other(lab: Lab) -> None:
    await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    (cleo,) = await meet(lab, "cleo", room="retro")
    assert (await cleo.hear(1)).is_silent
    assert not (await anna.hear(1)).has_tone(TONES["cleo"])
    assert (await ben.hear(1)).has_tone(TONES["anna"])


async def test_the_first_is_told_once_that_he_is_alone(lab: Lab) -> None:
    await lab.server(**QUIET)
    anna = await lab.phone("anna")
    await anna.call("sip:standup@sems")
    heard = await anna.hear(5)
    assert not heard.before(2.2).is_silent
    assert heard.after(2.2).is_silent

    ben = await lab.phone("ben")
    await ben.call("sip:standup@sems")
    assert (await ben.hear(3)).is_silent
    await ben.hang_up()
    assert (await anna.hear(3)).is_silent


async def test_coming_and_going_is_heard_unless_switched_off(lab: Lab) -> None:
    await lab.server(rooms={"quiet": {"join_sound": False}})
    for room, sounds in (("loud", True), ("quiet", False)):
        anna, ben = await lab.phone(f"anna-{room}"), await lab.phone(f"ben-{room}")
        await anna.call(f"sip:{room}@sems")
        await asyncio.sleep(LONELY)
        call = asyncio.create_task(ben.call(f"sip:{room}@sems"))
        assert (await anna.hear(1)).is_silent is not sounds
        await call
        await asyncio.sleep(1)
        leaving = asyncio.create_task(ben.hang_up())
        assert (await anna.hear(1)).is_silent is not sounds
        await leaving


async def test_star_six_mutes_and_unmutes(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    await ben.key("*6")
    await asyncio.sleep(0.5)
    assert model(server).participants[2].muted
    assert not (await anna.hear(1)).has_tone(TONES["ben"])
    assert (await ben.hear(1)).has_tone(TONES["anna"])

    await ben.key("*6")
    await asyncio.sleep(0.5)
    assert not model(server).participants[2].muted
    assert (await anna.hear(1)).has_tone(TONES["ben"])


async def test_star_nine_raises_and_lowers_the_hand(lab: Lab) -> None:
    server = await lab.server()
    _, ben = await meet(lab, "anna", "ben")
    await ben.key("*9")
    await asyncio.sleep(0.2)
    assert model(server).place(2) == 1
    await ben.key("*9")
    await asyncio.sleep(0.2)
    assert model(server).place(2) is None


@pytest.mark.parametrize("keys", ["*6", "*9"])
async def test_a_key_is_answered_by_a_short_sound_over_the_room(lab: Lab, keys: str) -> None:
    await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    ben.silence()
    anna.silence()
    await asyncio.sleep(0.5)
    keying = asyncio.create_task(ben.key(keys))
    heard = await ben.hear(2)
    assert not heard.is_silent
    assert heard.after(1.5).is_silent
    await keying

    anna.tone(TONES["anna"])
    await asyncio.sleep(0.3)
    keying = asyncio.create_task(ben.key(keys))
    heard = await ben.hear(2)
    assert all(heard.after(n / 4).before(0.25).has_tone(TONES["anna"]) for n in range(8))
    await keying


async def test_a_hand_that_is_raised_on_the_page_is_heard_on_its_phone_within_half_a_second(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    anna.silence()
    ben.silence()
    await asyncio.sleep(0.5)
    for command in (RaiseHand(2), LowerHand(2)):
        model(server).do(command, by=2)
        assert not (await ben.hear(0.5)).is_silent
        await asyncio.sleep(0.5)
        assert (await ben.hear(0.3)).is_silent


async def test_single_keys_and_the_hash_do_nothing(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    anna.silence()
    ben.silence()
    await asyncio.sleep(0.5)
    before = model(server).participants[2]
    keying = asyncio.create_task(ben.key("6912345780#"))
    assert (await ben.hear(3)).is_silent
    await keying
    assert model(server).participants[2] == before


async def test_a_star_is_forgotten_after_a_while(lab: Lab) -> None:
    server = await lab.server()
    _, ben = await meet(lab, "anna", "ben")
    await ben.key("*")
    await asyncio.sleep(6)
    await ben.key("6")
    await asyncio.sleep(0.2)
    assert not model(server).participants[2].muted


async def test_speech_of_the_muted_is_noticed_and_not_heard(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    model(server).do(Mute(2), by=2)
    ben.silence()
    await asyncio.sleep(2)
    assert not unheard(server, 2)
    ben.tone(TONES["ben"])
    await asyncio.sleep(1)
    assert unheard(server, 2)
    assert not (await anna.hear(1)).has_tone(TONES["ben"])


async def test_who_a_moderator_has_muted_stays_so_whatever_he_keys_in(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    model(server).do(Mute(2), by=1)
    await ben.key("*6")
    await asyncio.sleep(0.5)
    assert not (await anna.hear(1)).has_tone(TONES["ben"])


async def test_a_removed_member_hears_nothing_more_and_is_hung_up(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"undo_time": 8}})
    anna, ben = await meet(lab, "anna", "ben")
    model(server).do(Remove(2), by=1)
    await asyncio.sleep(0.5)
    assert not (await anna.hear(1)).has_tone(TONES["ben"])
    await asyncio.sleep(4)
    assert (await ben.hear(1)).level < -60, "after the words that tell him"
    end = await ben.ended()
    assert end.cause == "remote"
    assert "Removed" in end.reason
    assert list(model(server).participants) == [1]


async def test_a_removal_can_be_taken_back(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"undo_time": 10}})
    anna, ben = await meet(lab, "anna", "ben")
    model(server).do(Remove(2), by=1)
    await asyncio.sleep(9)
    assert not (await ben.hear(0.5)).has_tone(TONES["anna"])
    model(server).do(Readmit(2), by=1)
    await asyncio.sleep(10)
    assert (await anna.hear(1)).has_tone(TONES["ben"])
    assert (await ben.hear(1)).has_tone(TONES["anna"])


async def test_who_was_removed_is_told_and_whoever_is_back_hears_no_more_of_it(lab: Lab) -> None:
    server = await lab.server()
    _, ben = await meet(lab, "anna", "ben")
    await asyncio.sleep(3)
    model(server).do(Mute(1), Remove(2), by=1)
    await asyncio.sleep(0.3)
    assert (await ben.hear(1)).level > -40, "goodbye"
    model(server).do(Readmit(2), by=1)
    await asyncio.sleep(0.8)
    assert (await ben.hear(1)).level < -60


async def test_a_removal_that_is_undone_after_the_call_has_ended_calls_him_back(lab: Lab) -> None:
    server = await lab.server(dialout={"allow": ["*"]}, trusted=["10.0.0.0/8"])
    anna, ben = await meet(lab, "anna", "ben")
    model(server).do(Remove(2), by=1)
    await ben.ended()
    model(server).do(Readmit(2), by=1)
    await (await ben.ringing()).answer()
    ben.tone(TONES["ben"])
    await asyncio.sleep(1)
    assert (await anna.hear(1)).has_tone(TONES["ben"])
    assert (await ben.hear(1)).has_tone(TONES["anna"])
    him = model(server).participants[2]
    assert (him.name, him.presence) == ("ben", Presence.DIALLED)


async def test_who_calls_a_locked_room_hears_why_and_is_not_let_in(lab: Lab) -> None:
    server = await lab.server()
    anna, _ = await meet(lab, "anna", "ben")
    model(server).do(Lock(), by=1)
    cleo = await lab.phone("cleo")
    call = await cleo.dial("sip:standup@sems")
    await asyncio.sleep(0.5)
    assert not (await cleo.hear(1)).is_silent
    with pytest.raises(CallFailed) as failed:
        await call.wait_answered()
    assert (failed.value.code, failed.value.reason) == (403, "Room locked")
    assert cleo.link is None
    assert len(model(server).participants) == 2
    assert anna.line is not None
    assert anna.line.end is None


async def test_who_calls_a_full_room_is_told_that_it_is_busy(lab: Lab) -> None:
    await lab.server(rooms={"standup": {"max_members": 1}})
    await meet(lab, "anna")
    ben = await lab.phone("ben")
    with pytest.raises(CallFailed) as failed:
        await ben.call("sip:standup@sems")
    assert failed.value.code == 486


async def test_each_call_brings_a_link_of_its_own(lab: Lab) -> None:
    server = await lab.server(base_url="https://sems.example.com/talk")
    phones = await meet(lab, "anna", "ben")
    links = {phone.link for phone in phones}
    assert len(links) == 2
    for phone in phones:
        assert phone.link is not None
        assert phone.link.startswith("https://sems.example.com/talk/c/")
        assert phone.headers["Call-Info"] == f"<{phone.link}>;purpose=info"
        member = server.conferences.links.find(phone.link.rpartition("/")[2])
        assert member.call.caller_name == phone.name


async def test_without_a_base_url_the_link_begins_with_where_the_call_arrived(lab: Lab) -> None:
    server = await lab.server()
    (anna,) = await meet(lab, "anna")
    host = server.engine.core.sip_addresses()[0].rpartition(":")[0]
    assert anna.link is not None
    assert anna.link.startswith(f"http://{host}:8080/c/")


async def test_a_conference_ends_with_its_last_member_and_begins_anew(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    sequence = model(server).sequence
    await anna.hang_up()
    await ben.hang_up()
    await asyncio.sleep(1)
    assert server.conferences.find("standup") is None
    assert not server.rooms

    await anna.call("sip:standup@sems")
    assert list(model(server).participants) == [1]
    assert model(server).sequence > sequence


async def test_whoever_has_been_here_longest_inherits_the_room(lab: Lab) -> None:
    server = await lab.server()
    anna, *_ = await meet(lab, "anna", "ben", "cleo")
    await anna.hang_up()
    await asyncio.sleep(0.5)
    roles = {each.name: each.role for each in model(server).participants.values()}
    assert roles == {"ben": Role.MODERATOR, "cleo": Role.SPEAKER}


@pytest.mark.parametrize(
    ("param", "role"),
    [
        ("role=moderator", Role.MODERATOR),
        ("role=listener", Role.LISTENER),
        ("role=speaker", Role.SPEAKER),
        ("moderator=yes", Role.MODERATOR),
    ],
)
async def test_a_trusted_neighbour_says_who_has_which_role(lab: Lab, param: str, role: Role) -> None:
    server = await lab.server(**NEIGHBOURS)
    await meet(lab, "anna")
    ben = await lab.phone("ben")
    await ben.call("sip:standup@sems", headers=[("P-App-Param", param)])
    assert model(server).participants[2].role is role


async def test_a_listener_is_not_heard_from_the_first_moment(lab: Lab) -> None:
    server = await lab.server(**NEIGHBOURS, **QUIET)
    (anna,) = await meet(lab, "anna")
    ben = await lab.phone("ben")
    listening = asyncio.create_task(anna.hear(3))
    await ben.call("sip:standup@sems", headers=[("P-App-Param", "role=listener")])
    ben.tone(TONES["ben"])
    assert not (await listening).has_tone(TONES["ben"])
    assert (await ben.hear(1)).has_tone(TONES["anna"])
    assert unheard(server, 2)


async def test_hold_is_shown_and_taken_back(lab: Lab) -> None:
    server = await lab.server()
    _, ben = await meet(lab, "anna", "ben")
    await ben.hold()
    await asyncio.sleep(0.5)
    assert model(server).participants[2].on_hold
    await ben.hold(False)
    await asyncio.sleep(0.5)
    assert not model(server).participants[2].on_hold


async def test_levels_and_speech_follow_the_voices(lab: Lab) -> None:
    server = await lab.server()
    _, ben = await meet(lab, "anna", "ben")
    ben.silence()
    conference = server.conferences.find("standup")
    assert conference is not None
    unfollow = conference.follow_levels(lambda levels: None)
    await asyncio.sleep(2)
    room = model(server)
    speaking = {each.name: room.speaks(each) for each in room.participants.values()}
    assert speaking == {"anna": True, "ben": False}
    assert list(model(server).levels) == [1]
    assert -20 < model(server).levels[1] < -5
    unfollow()
    await asyncio.sleep(1)
    assert not model(server).levels, "nobody looks, so nothing is read"


async def test_a_caller_who_gives_up_leaves_nothing_behind(lab: Lab) -> None:
    server = await lab.server()
    anna = await lab.phone("anna")
    await anna.dial("sip:standup@sems")
    await anna.hang_up()
    await asyncio.sleep(40)
    assert server.conferences.find("standup") is None
    assert not server.rooms
    assert not server.calls


@pytest.mark.lab(seed=5, loss=0.1)
async def test_a_bad_line_is_shown(lab: Lab) -> None:
    server = await lab.server()
    await meet(lab, "anna", "ben")
    standup = server.conferences.find("standup")
    assert standup is not None
    unfollow = standup.follow_quality(lambda figures: None)
    await asyncio.sleep(11)
    lines = [each.line for each in model(server).participants.values()]
    assert len(lines) == 2
    assert all(4 <= line.loss <= 20 for line in lines)
    unfollow()
