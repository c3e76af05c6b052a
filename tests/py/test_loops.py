"""Calls and requests that come back to where they have been."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, Call, CallFailed, SipRequest
from sems.testing import Lab


def passed_on(app: App, seen: list[int], to: str) -> None:
    """Has an app place each of its calls anew, and do with it what becomes of that."""

    @app.call
    async def main(call: Call) -> None:
        seen.append(int(call.headers["Max-Forwards"]))
        try:
            async with await call.server.dial(to):
                await call.answer()
                await call.wait_ended()
        except CallFailed as failed:
            await call.reject(failed.code)


async def test_a_call_that_a_service_places_to_itself_in_a_circle_comes_to_an_end(lab: Lab) -> None:
    app, seen = App("circle"), list[int]()
    passed_on(app, seen, "sip:circle@sems")
    server = await lab.server(apps=[app])
    phone = await lab.phone("Anna")
    with pytest.raises(CallFailed, match="483"):
        await phone.call("sip:circle@sems")
    assert seen == list(range(70, -1, -1))
    await asyncio.sleep(40)
    stats = server.engine.core.stats()
    assert stats["calls_total"] == 141
    assert {stats[name] for name in ("calls", "legs", "rtp_ports", "sessions", "transactions")} == {0}


async def test_two_servers_that_send_a_call_to_each_other_end_it(lab: Lab) -> None:
    apps, seen = (App("there"), App("back")), list[int]()
    passed_on(apps[0], seen, "sip:back@two")
    passed_on(apps[1], seen, "sip:there@one")
    for name, app in zip(("one", "two"), apps, strict=True):
        await lab.server(name=name, apps=[app])
    phone = await lab.phone("Anna")
    call = await phone.dial("sip:there@one", headers=[("Max-Forwards", "5")])
    end = await call.wait_ended()
    assert end.code == 483
    assert seen == [5, 4, 3, 2, 1, 0]


async def test_whom_a_call_with_its_last_hop_is_for_answers_it(lab: Lab) -> None:
    await lab.server()
    phone = await lab.phone("Anna")
    call = await phone.call("sip:echo@sems", headers=[("Max-Forwards", "0")])
    await call.hangup()


async def test_a_call_to_ourselves_is_a_call_like_any_other(lab: Lab) -> None:
    server = await lab.server()
    async with await server.dial("sip:echo@sems") as call:
        assert call.state == "answered"
        assert server.engine.core.stats()["calls"] == 2


async def test_texts_that_services_send_each_other_for_each_that_comes_come_to_an_end(lab: Lab) -> None:
    seen: list[int] = []

    def chatty(name: str, other: str) -> App:
        app = App(name)

        @app.message
        async def reply(message: SipRequest) -> None:
            seen.append(int(message.headers["Max-Forwards"]))
            await message.server.send_message(other, "And you said?")

        return app

    await lab.server(name="one", apps=[chatty("eliza", "sip:parry@two")])
    await lab.server(name="two", apps=[chatty("parry", "sip:eliza@one")])
    phone = await lab.phone("Anna")
    answer = await phone.request("MESSAGE", "sip:eliza@one", headers=[("Max-Forwards", "9")], body="Hello")
    assert answer.code in (200, 202)
    await asyncio.sleep(5)
    assert seen == list(range(9, -1, -1))
