"""Every call gives back what it had, however it ends: port, leg, transaction, and Python's objects.

Each story is told by hundreds of calls at once; then the server must be as idle as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sems import App, Call, CallFailed, EngineError, HungUp, Prompt, Server
from sems.conference import CancelCall, Dial
from sems.testing import Lab

MANY = 200
# When all has come to its end: 64·T1 for the last answer, and the same for its repetitions.
LONG_ENOUGH = 120.0
GAUGES = ("calls", "sessions", "transactions", "legs", "rooms", "rtp_ports")
TONE = Prompt.tone("sine:440:1000:-12")


class Watch:
    """What a server has when it is idle, and all calls that it has had since."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.seen: list[weakref.ref[Any]] = []
        self.before = self.figures()
        adopt = server.adopt

        def noted(call: Call) -> None:
            self.seen.append(weakref.ref(call))
            adopt(call)

        server.adopt = noted  # type: ignore[method-assign]

    def figures(self) -> dict[str, int]:
        server, stats = self.server, self.server.engine.core.stats()
        return {gauge: stats[gauge] for gauge in GAUGES} | {
            "server.calls": len(server.calls),
            "server.rooms": len(server.rooms),
            "handlers": len(server.incoming.handlers),
            "chores": len(server._chores),
            "sounding": len(server.told.sounding),
            "requests": len(server.engine._requests),
            "plays": len(server.engine._plays),
            "told": len(server.engine._told),
            "conferences": len(server.conferences),
        }

    async def nothing_is_left(self, calls: int | None = MANY) -> None:
        """After a while all is as it was; ``calls``: how many Python has seen."""
        await asyncio.sleep(LONG_ENOUGH)
        assert self.figures() == self.before
        gc.collect()
        assert [call() for call in self.seen if call() is not None] == []
        if calls is not None:
            assert len(self.seen) == calls
        assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()


@pytest.fixture
def unlogged() -> Any:
    """Nothing is logged, since pytest keeps what is, with the frames that failed and their calls."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def threads_do_not_grow() -> Any:
    before = len(os.listdir("/proc/self/task"))
    yield
    # The lab reads files in threads of the loop, which end with it.
    assert len(os.listdir("/proc/self/task")) <= before + 1


async def callers(lab: Lab, **settings: Any) -> Server:
    """Somebody who can make many calls at once."""
    settings.setdefault("rtp_timeout", 0)
    settings.setdefault("audio", {"codecs": ["PCMU", "PCMA"]})
    return await lab.server(name="callers", **settings)


async def place_many(lab: Lab, caller: Server, uri: str = "sip:app@sems") -> list[Call]:
    to = lab.resolve("sems")
    return [await caller.place(uri, destination=to) for _ in range(MANY)]


async def all_end(calls: list[Call]) -> set[tuple[str, int | None]]:
    """How they ended."""
    return {(end.cause, end.code) for end in [await call.wait_ended() for call in calls]}


def app_that(handler: Callable[[Call], Awaitable[None]]) -> App:
    app = App("app")
    app.call(handler)
    return app


async def test_offers_that_are_refused(lab: Lab) -> None:
    server = await lab.server(audio={"codecs": ["PCMU"]})
    watch, caller = Watch(server), await callers(lab, audio={"codecs": ["PCMA"]})
    calls = await place_many(lab, caller, "sip:echo@sems")
    assert await all_end(calls) == {("rejected", 488)}
    await watch.nothing_is_left(calls=0)


async def test_calls_that_the_app_refuses(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.reject(486)

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    assert await all_end(await place_many(lab, caller)) == {("rejected", 486)}
    await watch.nothing_is_left()


async def test_calls_to_services_that_do_not_exist(lab: Lab) -> None:
    server = await lab.server(routes=[{"app": "nowhere", "user": "app"}])
    watch, caller = Watch(server), await callers(lab)
    ((cause, code),) = await all_end(await place_many(lab, caller))
    assert cause == "rejected"
    assert code is not None
    assert code >= 400
    await watch.nothing_is_left()


@pytest.mark.parametrize("ring", [None, {"code": 180}, {"code": 183, "early_media": True}])
async def test_calls_that_are_cancelled(lab: Lab, ring: dict[str, Any] | None) -> None:
    async def main(call: Call) -> None:
        if ring is not None:
            await call.ring(**ring)
        if call.has_media:
            call.start_play(TONE, repeat=0)
        await call.wait_ended()

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    caller_watch = Watch(caller)
    calls = await place_many(lab, caller)
    await asyncio.sleep(2)
    await asyncio.gather(*(call.hangup() for call in calls))
    del calls
    await watch.nothing_is_left()
    await caller_watch.nothing_is_left()


async def test_calls_that_are_cancelled_before_the_server_has_said_a_word(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.wait_ended()

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    await asyncio.gather(*(call.hangup() for call in await place_many(lab, caller)))
    await watch.nothing_is_left()


async def test_calls_that_are_never_acknowledged(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await asyncio.sleep(1)
        await call.answer()

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    await place_many(lab, caller)
    await asyncio.sleep(0.5)
    caller.engine.close()
    await watch.nothing_is_left()


@pytest.mark.usefixtures("unlogged")
@pytest.mark.parametrize("acknowledged", [True, False])
async def test_apps_that_end_before_their_answer_is_acknowledged(lab: Lab, acknowledged: bool) -> None:
    async def main(call: Call) -> None:
        if call.user == "late":
            # What is far away takes longer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.001):
                    await call.answer()
            return
        async with call.group() as group:
            group.create_task(call.answer())
            await asyncio.sleep(0.0005)
            if call.user == "failed":
                raise ZeroDivisionError
            asyncio.current_task().cancel()  # type: ignore[union-attr]

    server = await lab.server(apps=[app_that(main)], routes=[{"app": "app"}])
    watch, caller = Watch(server), await callers(lab)
    for user in ("late", "failed", "cancelled"):
        calls = await place_many(lab, caller, f"sip:{user}@sems")
        if acknowledged:
            assert await all_end(calls) == {("remote", None)}
    if not acknowledged:
        await asyncio.sleep(0.001)
        caller.engine.close()
    await watch.nothing_is_left(calls=3 * MANY)


async def test_callers_who_vanish_while_it_rings(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.ring(183, early_media=True)
        await asyncio.sleep(30)

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    await place_many(lab, caller)
    await asyncio.sleep(1)
    caller.engine.close()
    await watch.nothing_is_left()


async def test_callers_who_vanish_in_the_middle_of_a_call(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.play(TONE, repeat=0)

    server = await lab.server(apps=[app_that(main)], rtp_timeout=5)
    watch, caller = Watch(server), await callers(lab)
    for call in await place_many(lab, caller):
        await call.wait_answered()
    caller.engine.close()
    await watch.nothing_is_left()


@pytest.mark.usefixtures("unlogged")
async def test_apps_that_crash(lab: Lab) -> None:
    async def main(call: Call) -> None:
        if call.user == "late":
            await call.answer()
            call.start_play(TONE, repeat=0)
        else:
            await call.ring()
        raise ZeroDivisionError

    server = await lab.server(apps=[app_that(main)], routes=[{"app": "app"}])
    watch, caller = Watch(server), await callers(lab)
    assert await all_end(await place_many(lab, caller)) == {("rejected", 500)}
    assert await all_end(await place_many(lab, caller, "sip:late@sems")) == {("remote", None)}
    await watch.nothing_is_left(calls=2 * MANY)


async def test_apps_that_end_while_it_rings(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.ring(183, early_media=True)
        call.start_play(TONE)

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    assert await all_end(await place_many(lab, caller)) == {("rejected", 480)}
    await watch.nothing_is_left()


async def test_apps_that_hold_on_to_something_when_the_call_ends(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.play(TONE, repeat=0))
            tasks.create_task(call.ask(TONE, digits=4))
            tasks.create_task(call.digit())
            tasks.create_task(listen(call))

    async def listen(call: Call) -> None:
        tap = call.tap()
        await call.record(lab.folder / f"{call.id}.wav", "out")
        while True:
            await call.sleep(0.5)
            tap.read()

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    calls = await place_many(lab, caller)
    for call in calls:
        await call.wait_answered()
    await asyncio.sleep(1)
    await asyncio.gather(*(call.hangup() for call in calls))
    await watch.nothing_is_left()


async def test_conferences_that_all_leave(lab: Lab) -> None:
    watch, caller = Watch(await lab.server()), await callers(lab)
    to = lab.resolve("sems")
    calls = [await caller.place(f"sip:room{n % 20}@sems", destination=to) for n in range(MANY)]
    for call in calls:
        await call.wait_answered()
    await asyncio.sleep(1)
    await asyncio.gather(*(call.hangup() for call in calls))
    await watch.nothing_is_left()


async def test_people_who_are_called_into_a_conference(lab: Lab) -> None:
    async def reception(call: Call) -> None:
        number = int(call.user)
        if number % 4 == 0:
            await call.reject(486)
        elif number % 4 == 1:
            await call.reject(302, headers=[("Contact", f"<sip:{number + 2}@{phones_at}>")])
        elif number % 4 == 2:
            await call.ring()
            await call.wait_ended()
        else:
            await call.answer()
            await call.wait_ended()

    app = App("reception")
    app.call(reception)
    phones = await lab.server(name="phones", apps=[app], routes=[{"app": "reception"}], rtp_timeout=0)
    phones_at = lab.resolve("phones")
    limits = dict.fromkeys(("concurrent", "room_concurrent", "per_hour", "room_per_hour"), 1000)
    server = await lab.server(
        dialout={"allow": ["*"], "domain": phones_at, "strangers": True, **limits}, rtp_timeout=0
    )
    watch, anna = Watch(server), await lab.phone("anna")
    await anna.call("sip:standup@sems")
    conference = server.conferences.get("standup")
    exchange, links = server.conferences.exchange, server.conferences.links
    conference.do(*(Dial(str(number)) for number in range(40)), by=1)
    await asyncio.sleep(5)
    assert len(conference.members) == 21
    ringing = [call.id for call in conference.model.calls.values() if call.going_on]
    assert len(ringing) == 10
    conference.do(*map(CancelCall, ringing[:5]), by=1)
    await anna.hang_up()
    for member in list(conference.members.values()):
        await member.call.hangup()
    del conference, member
    await watch.nothing_is_left(calls=None)
    assert not phones.calls
    assert not exchange._going_on
    assert not links._members


@pytest.mark.parametrize("ring", [False, True])
async def test_calls_that_the_app_forgets_when_the_caller_is_gone(lab: Lab, ring: bool) -> None:
    async def main(call: Call) -> None:
        if ring:
            await call.ring(183, early_media=True)
        await call.wait_ended()

    server = await lab.server(apps=[app_that(main)], limits={"unanswered": 60})
    watch, caller = Watch(server), await callers(lab)
    await place_many(lab, caller)
    await asyncio.sleep(1)
    caller.engine.close()
    await watch.nothing_is_left()


# Calls that we place


async def dial_many(server: Server, uri: str, **how: Any) -> set[str]:
    """What is said of calls that all fail."""
    results = await asyncio.gather(*(server.dial(uri, **how) for _ in range(MANY)), return_exceptions=True)
    return {str(result) for result in results}


async def test_dialled_calls_that_are_refused_not_answered_or_taken_back(lab: Lab) -> None:
    async def main(call: Call) -> None:
        if call.user == "refuse":
            await call.reject(603, "No")
        await call.ring()
        await call.wait_ended()

    other = await lab.server(name="other", apps=[app_that(main)], routes=[{"app": "app"}])
    server = await lab.server()
    watch, other_watch = Watch(server), Watch(other)
    assert await dial_many(server, "sip:refuse@other") == {"603 No"}
    assert await dial_many(server, "sip:ring@other", timeout=5) == {"408 no answer within 5 seconds"}
    dialing = [asyncio.create_task(server.dial("sip:ring@other")) for _ in range(MANY)]
    await asyncio.sleep(1)
    for task in dialing:
        task.cancel()
    await asyncio.gather(*dialing, return_exceptions=True)
    del dialing, task
    await watch.nothing_is_left(calls=3 * MANY)
    await other_watch.nothing_is_left(calls=3 * MANY)


async def test_dialled_calls_that_reach_nobody(lab: Lab) -> None:
    server = await lab.server()
    watch = Watch(server)
    assert await dial_many(server, "sip:a@10.0.0.99") == {"408 no response came"}
    dead = ["10.0.0.97:5060", "10.0.0.98:5060", "10.0.0.99:5060"]
    assert await dial_many(server, "sip:a@x", destination=dead) == {"408 no response came"}
    # At the second of three servers.
    assert await dial_many(server, "sip:a@x", destination=dead, timeout=5) == {
        "408 no answer within 5 seconds"
    }
    await watch.nothing_is_left(calls=3 * MANY)


async def test_dialled_calls_that_can_not_be_placed(lab: Lab) -> None:
    server = await lab.server()
    watch = Watch(server)
    assert len(await dial_many(server, "sip:a@x", destination="[2001:db8::1]:5060")) == 1
    assert len(await dial_many(server, "sip:a@10.0.0.9", headers=[("a b", "c")])) == 1
    assert len(await dial_many(server, "sip:a@10.0.0.9", link="not a link")) == 1
    assert len(await dial_many(server, "tel:+49301")) == 1
    await watch.nothing_is_left(calls=None)


async def test_redirects(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.reject(302, headers=[("Contact", f"<sip:{call.user}0@other>")])

    await lab.server(name="other", apps=[app_that(main)], routes=[{"app": "app"}])
    server = await lab.server()
    watch = Watch(server)
    results = await asyncio.gather(
        *(server.dial("sip:a@other", follow_redirects=True) for _ in range(20)), return_exceptions=True
    )
    assert all(isinstance(result, CallFailed) and result.code == 302 for result in results)
    del results
    await watch.nothing_is_left(calls=200)


# Changes


async def test_changes_that_cross(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await asyncio.sleep(1)
        try:
            await call.hold(True)
        except EngineError:
            await call.hangup()
        await call.wait_ended()

    watch, caller = Watch(await lab.server(apps=[app_that(main)])), await callers(lab)
    calls = await place_many(lab, caller)
    for call in calls:
        await call.wait_answered()
    await asyncio.sleep(1)

    async def hold(call: Call) -> None:
        with contextlib.suppress(HungUp, EngineError):
            await call.hold(True)

    await asyncio.gather(*(hold(call) for call in calls))
    await asyncio.gather(*(call.hangup() for call in calls))
    await watch.nothing_is_left()


@pytest.mark.lab(seed=3, loss=0.25, duplicate=0.1, delay_ms=20, jitter_ms=50)
@pytest.mark.usefixtures("unlogged")
async def test_any_of_it_on_a_bad_line(lab: Lab) -> None:
    async def main(call: Call) -> None:
        turn = call.id % 5
        if turn == 0:
            await call.reject(486)
        elif turn == 1:
            await call.ring()
            await asyncio.sleep(1)
        elif turn == 2:
            await call.answer()
            await call.play(TONE)
        elif turn == 3:
            raise ZeroDivisionError
        await call.wait_ended()

    settings = {"limits": {"unanswered": 90}}
    server = await lab.server(apps=[app_that(main)], rtp_timeout=5, **settings)
    watch, caller = Watch(server), await callers(lab)
    calls = await place_many(lab, caller)
    for number, call in enumerate(calls):
        await asyncio.sleep(0.02)
        if number % 3 == 0:
            caller.spawn(call.hangup())
    await asyncio.sleep(60)
    await asyncio.gather(*(call.hangup() for call in calls))
    await watch.nothing_is_left(calls=None)
