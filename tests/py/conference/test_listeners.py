"""Telephones that send nothing: those of people who listen, and those that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sems import App, Call, Session
from sems.conference.model import ConferenceModel
from sems.testing import Lab

from .old_phone import OldPhone
from .rooms import meeting, standup


class Joining(Session):
    """A service of one's own that does nothing but join."""

    async def run(self) -> None:
        await self.call.server.conferences.get("standup").join(self.call)


def a_service() -> App:
    app = App("standup")
    app.session(Joining)
    return app


async def listener(lab: Lab, *apps: App) -> tuple[ConferenceModel, OldPhone]:
    """A room in which Anna talks, and Olga's telephone, which has no comfort noise and sends no reports."""
    settings = {"apps": apps} if apps else {}
    server, (anna,) = await meeting(lab, "anna", rtp_timeout=10, **settings)
    anna.tone(440)
    olga = OldPhone(lab, server, allow=None, code=200)
    await olga.call()
    olga.speak(1)
    await asyncio.sleep(1)
    return standup(server).model, olga


@pytest.mark.parametrize("code", [200, 405, 501])
async def test_who_only_listens_stays_in_the_room_as_long_as_his_telephone_answers(
    lab: Lab, code: int
) -> None:
    room, olga = await listener(lab)
    olga.options = code
    await asyncio.sleep(65)
    assert list(room.participants) == [1, 2]
    assert 5 <= olga.asked <= 6, "it is asked each time that nothing was heard for so long"
    olga.speak(30)
    await asyncio.sleep(1)
    asked = olga.asked
    await asyncio.sleep(25)
    assert olga.asked == asked, "who is heard need not be asked"


async def test_so_it_is_in_a_conference_that_a_service_of_one_s_own_joins(lab: Lab) -> None:
    room, olga = await listener(lab, a_service())
    await asyncio.sleep(35)
    assert (list(room.participants), olga.asked) == ([1, 2], 3)
    olga.hang_up()
    await asyncio.sleep(10 + 8 + 34)
    assert list(room.participants) == [1]


def is_answered_for(code: int) -> Callable[[OldPhone], None]:
    """By itself, that it has no such call (481), or by a proxy that can't reach it."""

    def answer(olga: OldPhone) -> None:
        olga.options = code

    return answer


@pytest.mark.parametrize("dies", [OldPhone.hang_up, *map(is_answered_for, [408, 430, 477, 478, 481, 504])])
async def test_a_telephone_that_is_gone_leaves_the_room(lab: Lab, dies: Callable[[OldPhone], None]) -> None:
    room, olga = await listener(lab)
    await asyncio.sleep(25)
    assert list(room.participants) == [1, 2]
    dies(olga)
    # It is asked and does not answer, and neither does it answer the BYE.
    await asyncio.sleep(10 + 8 + 34)
    assert list(room.participants) == [1]


async def test_who_has_a_call_on_hold_and_sends_no_music_is_asked_as_well(lab: Lab) -> None:
    app = App("standup")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    server = await lab.server(apps=[app], rtp_timeout=10)
    olga = OldPhone(lab, server, allow=None, code=200, direction="sendonly")
    await olga.call()
    await asyncio.sleep(35)
    assert (len(server.calls), olga.asked) == (1, 3)
    olga.hang_up()
    await asyncio.sleep(10 + 8 + 34)
    assert not server.calls
