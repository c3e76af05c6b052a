"""Who dials the one number for all conferences, and keys in which."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from boxes import Prompts
from httpx import ASGITransport, AsyncClient
from meeting import model

from sems import Server
from sems.conference import EarlyLink, EndedLink, Role
from sems.testing import Lab, Phone

SAID = (
    "welcome", "entry-number", "entry-unknown", "entry-goodbye", "enter-pin", "wrong-pin",
    "wrong-pin-goodbye", "only-participant", "room-locked",
)  # fmt: skip
ROOMS: dict[str, Any] = {
    "4711": {"pin": "2580", "moderator_pin": "1357"},
    "board": {"number": "99"},
}
KNOWN = {"routes": [{"app": "entry", "user": "entry", "params": {"rooms": "known"}}]}
GUESSED = ["entry-unknown", "entry-number"]


class Visitor:
    """A phone at the entry."""

    def __init__(self, server: Server, phone: Phone, language: str = "") -> None:
        self.server = server
        self.phone = phone
        self.prompts = Prompts(server.config.data, language, SAID)

    async def call(self, **params: str) -> list[str]:
        wanted = ";".join(f"{name}={value}" for name, value in params.items())
        await self.phone.call("sip:entry@sems", headers=[("P-App-Param", wanted)] if params else [])
        return await self.hear()

    async def hear(self, seconds: float = 1.2) -> list[str]:
        return self.prompts.said(await self.phone.hear(seconds))

    async def key(self, keys: str, seconds: float = 1.2) -> list[str]:
        await self.phone.key(keys)
        return await self.hear(seconds)

    @property
    def rooms(self) -> dict[str, list[str]]:
        """Who is where."""
        return {
            each.name: [one.name for one in each.model.participants.values()]
            for each in self.server.conferences
        }


async def visitor(lab: Lab, name: str = "anna", **settings: Any) -> Visitor:
    return Visitor(await lab.server(**{"rooms": ROOMS, **settings}), await lab.phone(name))


async def test_a_caller_keys_in_number_and_pin_and_is_in_the_room(lab: Lab) -> None:
    anna = await visitor(lab)
    assert await anna.call() == ["welcome", "entry-number"]
    assert await anna.key("4711#") == ["enter-pin"]
    assert anna.rooms == {}
    assert await anna.key("2580#") == ["only-participant"]
    assert anna.rooms == {"4711": ["anna"]}


async def test_a_room_without_a_pin_lets_in_by_its_own_number_or_any_that_nobody_has_named(lab: Lab) -> None:
    anna, ben = await visitor(lab), await lab.phone("ben")
    await anna.call()
    assert await anna.key("99#") == ["only-participant"]
    await ben.call("sip:entry@sems")
    await ben.key("123#")
    await asyncio.sleep(0.5)
    assert anna.rooms == {"board": ["anna"], "123": ["ben"]}


async def test_those_who_come_by_the_entry_and_by_name_are_in_one_room(lab: Lab) -> None:
    anna, ben = await visitor(lab), await lab.phone("ben")
    await anna.call()
    await anna.key("99#", 2.0)
    await ben.call("sip:board@sems")
    anna.phone.tone(440)
    await asyncio.sleep(0.5)
    assert (await ben.hear(0.5)).has_tone(440)


async def test_the_prompt_stops_at_the_first_key_and_a_star_takes_back_what_was_keyed_in(lab: Lab) -> None:
    anna = await visitor(lab)
    await anna.phone.call("sip:entry@sems")
    await asyncio.sleep(0.2)
    assert await anna.key("1", 1.0) == []
    assert await anna.key("23*99#") == ["only-participant"]
    assert anna.rooms == {"board": ["anna"]}


async def test_who_forgets_the_pound_is_let_in_after_five_seconds(lab: Lab) -> None:
    anna = await visitor(lab)
    await anna.call()
    assert await anna.key("99", 4.5) == []
    assert await anna.hear() == ["only-participant"]


async def test_only_known_rooms_are_entered_where_it_is_so_configured_and_after_three_tries_it_ends(
    lab: Lab,
) -> None:
    anna = await visitor(lab, **KNOWN)
    await anna.call()
    assert await anna.key("123#") == GUESSED
    # The name of the room of number 99 is no number.
    assert await anna.key("0#") == GUESSED
    assert await anna.key("1#") == ["entry-goodbye"]
    assert (await anna.phone.ended()).cause == "remote"
    assert anna.rooms == {}
    await anna.call()
    # The next one comes after the delay that three wrong ones have earned.
    assert await anna.key("99#", 2.5) == ["only-participant"]


async def test_who_keys_in_nothing_is_asked_three_times_and_hung_up_on(lab: Lab) -> None:
    anna = await visitor(lab)
    await anna.phone.call("sip:entry@sems")
    heard = anna.prompts.said(await anna.phone.hear_all())
    assert heard == ["welcome", *["entry-number"] * 3, "entry-goodbye"]
    assert not anna.server.calls


async def test_who_guesses_numbers_waits_longer_and_longer_and_others_do_not(lab: Lab) -> None:
    anna = await visitor(lab, trusted=["127.0.0.0/8"], **KNOWN)
    for _ in range(2):
        await anna.call()
        for number in range(3):
            await anna.phone.key(f"{number}#")
            await asyncio.sleep(6.0)
        await anna.phone.ended()
    await anna.call()
    await anna.phone.key("99#")
    await asyncio.sleep(3.5)
    assert not anna.rooms
    await asyncio.sleep(1.0)
    assert anna.rooms == {"board": ["anna"]}
    await anna.phone.hang_up()
    ben = Visitor(anna.server, await lab.phone("ben"))
    await ben.call()
    assert await ben.key("99#") == ["only-participant"]


async def test_a_wrong_pin_is_asked_for_three_times_and_then_it_ends(lab: Lab) -> None:
    anna = await visitor(lab)
    await anna.call()
    assert await anna.key("4711#") == ["enter-pin"]
    assert await anna.key("1#") == ["wrong-pin", "enter-pin"]
    assert await anna.key("2#") == ["wrong-pin", "enter-pin"]
    assert await anna.key("3#", 0.7) == ["wrong-pin-goodbye"]
    assert (await anna.phone.ended()).cause == "remote"
    assert anna.rooms == {}


async def test_a_moderator_has_a_pin_of_his_own(lab: Lab) -> None:
    anna = await visitor(lab)
    await anna.call()
    await anna.key("4711#")
    await anna.key("1357#")
    assert [each.role for each in model(anna.server, "4711").participants.values()] == [Role.MODERATOR]


async def test_who_hangs_up_at_the_door_leaves_nothing_behind(lab: Lab) -> None:
    anna = await visitor(lab)
    await anna.call()
    token = (anna.phone.link or "").rpartition("/")[2]
    with pytest.raises(EarlyLink):
        anna.server.conferences.links.find(token)
    await anna.phone.hang_up()
    await asyncio.sleep(0.5)
    with pytest.raises(EndedLink):
        anna.server.conferences.links.find(token)
    assert not anna.server.calls


async def test_it_is_spoken_in_the_language_of_the_call_and_so_is_the_room(lab: Lab) -> None:
    anna = await visitor(lab, trusted=["0.0.0.0/0"])
    Prompts(anna.server.config.data, "de", ["", "", "", *SAID])
    anna.prompts.pitch = {name: hz + 150 for name, hz in anna.prompts.pitch.items()}
    assert await anna.call(language="de") == ["welcome", "entry-number"]
    assert await anna.key("4711#") == ["enter-pin"]
    assert await anna.key("2580#") == ["only-participant"]


async def test_without_a_word_it_speaks_as_the_rooms_do(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"language": "de"}})
    anna = Visitor(server, await lab.phone("anna"), "de")
    assert await anna.call() == ["welcome", "entry-number"]


async def test_the_link_of_the_answer_opens_when_its_caller_is_in_and_keys_and_texts_work(
    lab: Lab,
) -> None:
    anna = await visitor(lab)
    await anna.call()
    assert anna.phone.link
    page = anna.phone.link
    assert anna.server.web_app is not None
    transport = ASGITransport(anna.server.web_app)
    async with AsyncClient(transport=transport, base_url="http://sems.test") as web:
        path = "/c/" + page.rpartition("/")[2] + "/api/v1/me"
        assert (await web.get(path)).status_code == 409
        await anna.key("99#", 2.0)
        me = (await web.get(path)).json()
        assert (me["conference"], me["participant"]) == ("board", 1)
    await anna.phone.key("*6")
    await asyncio.sleep(0.2)
    assert model(anna.server, "board").participants[1].muted_by_self
    texts = await anna.phone.send_message("sip:entry@sems", "Hello from the car")
    assert texts.code in (200, 202)
    assert [each.text for each in model(anna.server, "board").messages.values()] == ["Hello from the car"]


async def test_a_locked_room_is_said_to_be_locked(lab: Lab) -> None:
    anna, ben = await visitor(lab), await lab.phone("ben")
    await anna.call()
    await anna.key("99#", 2.0)
    await anna.phone.key("#3")
    await asyncio.sleep(0.2)
    assert model(anna.server, "board").settings.locked
    late = Visitor(anna.server, ben)
    await late.call()
    assert await late.key("99#", 0.8) == ["room-locked"]
    assert (await ben.ended()).cause == "remote"


@pytest.mark.parametrize(
    ("rooms", "words"),
    [
        ({"a": {"number": "1"}, "b": {"number": "1"}}, "a and b have the same number"),
        ({"default": {"number": "1"}}, "number belongs to one room"),
        ({"a": {"number": "x"}}, "number"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_the_start(rooms: dict[str, Any], words: str) -> None:
    from sems import Config

    with pytest.raises(ValueError, match=words):
        Config.model_validate({"rooms": rooms})
