"""Who hears whom in a room, and how loud."""

from __future__ import annotations

import asyncio
import math

import pytest
from an_app import app_of

from sems import Call, Room, WrongState
from sems.testing import Lab, Phone

TONES = {"alice": 440, "bob": 700, "carol": 1000, "dave": 1500}
FAINT = -50.0


class Conference:
    """Phones in one room, each of which sounds its own tone, and the calls at the server."""

    def __init__(self) -> None:
        self.room: Room | None = None
        self.calls: dict[str, Call] = {}
        self.phones: dict[str, Phone] = {}

    async def open(self, lab: Lab, *names: str) -> Room:
        async def main(call: Call) -> None:
            await call.answer()
            self.room = self.room or await call.server.open_room()
            await call.join(self.room)
            self.calls[call.caller_user] = call
            await call.wait_ended()

        await lab.server(apps=[app_of(main)])
        for name in names:
            phone = self.phones[name] = await lab.phone(name)
            await phone.call("sip:mine@sems")
            phone.tone(TONES[name])
            await phone.hear(0.3)
        assert self.room is not None
        return self.room

    async def heard(self, name: str) -> dict[str, float]:
        """The levels of all tones at this phone."""
        await self.phones[name].hear(0.3)
        heard = await self.phones[name].hear(0.5)
        return {other: heard.tone_level(TONES[other]) for other in self.phones}


@pytest.fixture
def conference() -> Conference:
    return Conference()


async def test_a_private_talk_is_heard_by_those_in_it_alone(lab: Lab, conference: Conference) -> None:
    room = await conference.open(lab, "alice", "bob", "carol", "dave")
    calls = conference.calls
    talk = await room.private_talk(calls["alice"], calls["bob"])
    assert calls["alice"].private_talk is talk
    alice, carol = await conference.heard("alice"), await conference.heard("carol")
    assert alice["bob"] > -20
    assert alice["carol"] == pytest.approx(alice["bob"] - 20, abs=1)
    assert carol["dave"] > -20
    assert max(carol["alice"], carol["bob"]) < carol["dave"] - 50

    with pytest.raises(WrongState, match="private talk already"):
        await room.private_talk(calls["alice"], calls["carol"])
    await talk.end()
    await talk.end()
    carol = await conference.heard("carol")
    alice = await conference.heard("alice")
    assert min(carol["alice"], carol["bob"], alice["carol"]) > -20
    assert calls["alice"].private_talk is None


async def test_a_whisper_is_heard_by_whom_it_is_meant_for_as_loud_as_he_wants_it(
    lab: Lab, conference: Conference
) -> None:
    await conference.open(lab, "alice", "bob", "carol", "dave")
    alice, bob, carol = (conference.calls[name] for name in ("alice", "bob", "carol"))
    for listener in (bob, carol):
        await listener.set_volume(alice, -12.0)
    await alice.whisper([bob, alice])
    assert alice.whispers_to == {bob}
    heard = {name: (await conference.heard(name))["alice"] for name in ("bob", "carol", "dave")}
    assert heard["bob"] == pytest.approx(-24, abs=2)
    assert max(heard["carol"], heard["dave"]) < -60
    await alice.whisper([carol])
    heard = {name: (await conference.heard(name))["alice"] for name in ("bob", "carol", "dave")}
    assert heard["carol"] == pytest.approx(-24, abs=2)
    assert max(heard["bob"], heard["dave"]) < -60
    await carol.join(None)
    assert alice.whispers_to == frozenset()
    await alice.whisper(None)
    assert (await conference.heard("dave"))["alice"] > -20
    with pytest.raises(WrongState, match="not in one room"):
        await alice.whisper([carol])


@pytest.mark.parametrize("how", ["leave the room", "hang up"])
async def test_a_private_talk_ends_when_one_is_left(lab: Lab, conference: Conference, how: str) -> None:
    room = await conference.open(lab, "alice", "bob", "carol", "dave")
    alice, bob, carol = (conference.calls[name] for name in ("alice", "bob", "carol"))
    talk = await room.private_talk(alice, bob, carol)
    for number, call in enumerate((alice, bob)):
        if how == "hang up":
            await call.hangup()
        else:
            await call.join(None)
        assert call.private_talk is None
        await asyncio.sleep(0.1)
        assert talk.ended is (number == 1)
    assert carol.private_talk is None
    assert (await conference.heard("dave"))["carol"] > -20
    assert (await conference.heard("carol"))["dave"] > -20


async def test_one_more_comes_to_a_private_talk_and_goes_again(lab: Lab, conference: Conference) -> None:
    room = await conference.open(lab, "alice", "bob", "carol", "dave")
    calls = conference.calls
    talk = await room.private_talk(calls["alice"], calls["bob"], room_gain=-math.inf)
    await talk.add(calls["carol"])
    with pytest.raises(WrongState, match="private talk already"):
        await talk.add(calls["carol"])
    carol, dave = await conference.heard("carol"), await conference.heard("dave")
    assert min(carol["alice"], carol["bob"]) > -20
    assert max(carol["dave"], dave["carol"], dave["alice"]) < -60
    await talk.remove(calls["carol"])
    await talk.remove(calls["carol"])
    carol, dave = await conference.heard("carol"), await conference.heard("dave")
    assert max(carol["alice"], carol["bob"], dave["alice"]) < -60
    assert min(carol["dave"], dave["carol"]) > -20
    await talk.remove(calls["bob"])
    assert talk.ended
    assert (await conference.heard("dave"))["alice"] > -20
    with pytest.raises(WrongState, match="can be added"):
        await talk.add(calls["carol"])


async def test_a_coach_who_leaves_has_no_say_any_more(lab: Lab, conference: Conference) -> None:
    room = await conference.open(lab, "alice", "bob", "carol")
    coaching = await room.coach(conference.calls["alice"], conference.calls["bob"])
    with pytest.raises(WrongState, match="can be added"):
        await coaching.add(conference.calls["carol"])
    await conference.calls["bob"].join(None)
    await asyncio.sleep(0.1)
    assert coaching.ended
    assert (await conference.heard("carol"))["alice"] > -20


async def test_a_coach_is_heard_by_one_and_hears_all(lab: Lab, conference: Conference) -> None:
    room = await conference.open(lab, "alice", "bob", "carol")
    async with await room.coach(conference.calls["alice"], conference.calls["bob"]):
        alice, bob, carol = [await conference.heard(name) for name in ("alice", "bob", "carol")]
        assert min(alice["bob"], alice["carol"], bob["alice"], bob["carol"], carol["bob"]) > -20
        assert carol["alice"] < -60
    assert (await conference.heard("carol"))["alice"] > -20


async def test_one_can_turn_another_down_for_himself_alone(lab: Lab, conference: Conference) -> None:
    await conference.open(lab, "alice", "bob", "carol")
    calls = conference.calls
    await calls["alice"].set_volume(calls["bob"], -12.0)
    alice, carol = await conference.heard("alice"), await conference.heard("carol")
    assert alice["bob"] == pytest.approx(carol["bob"] - 12, abs=1)
    assert alice["carol"] > -20
    await calls["alice"].set_volume(calls["bob"], -math.inf)
    assert (await conference.heard("alice"))["bob"] < -60
    await calls["alice"].set_volume(calls["bob"], None)
    assert (await conference.heard("alice"))["bob"] > -20


async def test_a_call_can_be_made_softer_for_all_and_deafened(lab: Lab, conference: Conference) -> None:
    await conference.open(lab, "alice", "bob", "carol")
    calls = conference.calls
    await calls["alice"].set_gain(-12.0)
    await calls["carol"].deafen(True)
    bob, carol = await conference.heard("bob"), await conference.heard("carol")
    assert bob["alice"] == pytest.approx(bob["carol"] - 12, abs=1)
    assert max(carol.values()) < -60
    assert calls["alice"].gain == -12.0
    assert calls["carol"].deafened


async def test_what_makes_no_sense_is_refused(lab: Lab, conference: Conference) -> None:
    room = await conference.open(lab, "alice", "bob")
    alice, bob = conference.calls["alice"], conference.calls["bob"]
    for gain in (18.5, math.nan):
        with pytest.raises(ValueError, match="up to 18"):
            await alice.set_gain(gain)
    with pytest.raises(ValueError, match="max_talkers"):
        await room.set_mixing(level_control=True, noise_gate=True, max_talkers=0)
    await bob.join(None)
    with pytest.raises(WrongState, match="not in one room"):
        await alice.set_volume(bob, 0.0)
    with pytest.raises(WrongState, match="not in the room"):
        await room.private_talk(alice, bob)


async def test_a_room_can_have_the_loudest_only(lab: Lab, conference: Conference) -> None:
    room = await conference.open(lab, "alice", "bob", "carol")
    await room.set_mixing(level_control=False, noise_gate=False, max_talkers=1)
    assert room.max_talkers == 1
    await asyncio.sleep(0.5)
    levels = [(await conference.heard(name)) for name in ("alice", "bob", "carol")]
    audible = {other for heard in levels for other, level in heard.items() if level > FAINT}
    assert len(audible) == 1


async def test_a_conference_room_mixes_as_configured(lab: Lab) -> None:
    server = await lab.server(
        rooms={"default": {"max_talkers": 3}, "raw": {"level_control": False, "noise_gate": False}}
    )
    for name in ("raw", "other"):
        phone = await lab.phone(f"in-{name}")
        await phone.call(f"sip:{name}@sems")
        await phone.hear(1)
    mixing = {(room.level_control, room.noise_gate, room.max_talkers) for room in server.rooms.values()}
    assert mixing == {(False, False, 3), (True, True, 3)}
