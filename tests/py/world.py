"""A server, and all that there can be around it: what tests of the whole API do something in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx

from sems import (
    App,
    Call,
    Prompt,
    Refer,
    Room,
    Server,
    SipRequest,
    Speech,
    Subscription,
)
from sems.client import Client
from sems.conference import Conference
from sems.testing import Lab, Phone

OPERATOR = "a long secret of the operator's"
LONG = Prompt.tone("sine:440:60000:-12")
PACKAGE = "message-summary"


class Mute:
    """A voice that needs a second for what is not heard."""

    async def speak(self, text: str, language: str) -> Speech:
        await asyncio.sleep(1)
        return Speech(bytes(800), 8000)


class World:
    """A server whose app takes calls and waits, and phones: Alice and Carol are in calls with it, Bob rings
    and never answers."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.call: Call
        self.other: Call
        self.third: Call
        self.taken: asyncio.Queue[Call] = asyncio.Queue()
        self.asked: asyncio.Queue[Any] = asyncio.Queue()

    async def begin(self) -> None:
        """All are there, and three calls are answered."""
        app = App("mine")

        @app.call
        async def main(call: Call) -> None:
            if call.user != "unanswered":
                await call.answer()
            self.taken.put_nowait(call)
            await call.wait_ended()

        async def asked(what: Any) -> None:
            self.asked.put_nowait(what)
            await asyncio.sleep(20)

        other = App("other")

        @other.call
        async def talk(call: Call) -> None:
            await call.wait_ended()

        pin = App("pin")

        @pin.call
        async def ask(call: Call) -> None:
            await call.answer()
            await call.ask("enter-pin", digits=4)
            await call.sleep(5)

        app.message(asked)
        app.refer(asked)
        app.subscription(PACKAGE)(asked)
        self.server = await self.lab.server(
            apps=[app, other, pin],
            routes=[{"user": "unanswered", "app": "mine"}],
            operator={"token": OPERATOR},
            boxes={"anna": {"users": ["anna"], "pin": "25802"}, "ben": {}},
            dialout={"allow": ["*"], "domain": "bob", "room_concurrent": 99, "concurrent": 99,
                     "room_per_hour": 9999, "per_hour": 9999},
            rtp_timeout=0,
            trusted=["10.0.0.0/8"],
        )  # fmt: skip
        self.server.voice = Mute()
        self.alice, self.bob = await self.lab.phone("alice"), await self.lab.phone("bob")
        self.anna = await self.lab.phone("anna")
        self.call = await self.takes(self.anna, "mine")
        self.carol = await self.lab.phone("carol")
        self.other = await self.takes(self.carol, "mine")
        self.third = await self.takes(await self.lab.phone("dora"), "mine")
        self.emil = await self.lab.phone("emil")
        self.at = self.server.engine.core.sip_addresses()[0]
        assert self.server.web_app is not None
        transport = httpx.ASGITransport(self.server.web_app)
        self.client = Client("http://sems.test", OPERATOR, transport=transport)

        self.tasks = len(asyncio.all_tasks())

    def forget_what_came(self) -> None:
        """Calls and requests that nobody has looked at."""
        for queue in (self.taken, self.asked):
            while not queue.empty():
                queue.get_nowait()

    async def takes(self, phone: Phone, user: str) -> Call:
        """The server's side of a call of that phone's."""
        await phone.dial(f"sip:{user}@sems")
        return await self.taken.get()

    @contextlib.asynccontextmanager
    async def incoming(self) -> AsyncIterator[Call]:
        """A call that rings for the app."""
        call = await self.alice.server.place(f"sip:unanswered@{self.at}")
        try:
            yield await self.taken.get()
        finally:
            await call.hangup()

    @contextlib.asynccontextmanager
    async def placed(self) -> AsyncIterator[Call]:
        """A call of ours that rings."""
        async with await self.server.place("sip:bob@bob") as call:
            yield call

    @contextlib.asynccontextmanager
    async def room(self, *calls: Call) -> AsyncIterator[Room]:
        """A room with these in it."""
        room = await self.server.open_room()
        try:
            for call in calls:
                await call.join(room)
            yield room
        finally:
            await room.close()

    @contextlib.asynccontextmanager
    async def sent(self, sending: Awaitable[Any]) -> AsyncIterator[Any]:
        """What the app is given of what a phone sends."""
        task = asyncio.ensure_future(sending)
        try:
            yield await self.asked.get()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def message(self) -> contextlib.AbstractAsyncContextManager[SipRequest]:
        """A text of Alice's."""
        return self.sent(self.alice.server.send_message(f"sip:mine@{self.at}", "Hello"))

    def refer(self) -> contextlib.AbstractAsyncContextManager[Refer]:
        """Alice asks to call Bob."""
        refer = [("Refer-To", f"<{self.bob.uri}>")]
        return self.sent(self.alice.server.request("REFER", f"sip:mine@{self.at}", headers=refer))

    @contextlib.asynccontextmanager
    async def subscription(self) -> AsyncIterator[Subscription]:
        """Alice wants to be notified."""
        async with self.sent(self.subscribe(self.alice.server, 600)) as subscription:
            yield subscription
            await subscription.finish()

    async def subscribe(self, server: Server, expires: int) -> None:
        """Until it is over, or cancelled."""
        at = f"sip:mine@{self.at}"
        async with await server.subscribe(at, PACKAGE, expires=expires, again=False) as notifications:
            async for _ in notifications:
                pass

    @contextlib.asynccontextmanager
    async def conference(self, *calls: Call) -> AsyncIterator[Conference]:
        """A room with these calls in it."""
        conference = self.server.conferences.get("standup")
        tasks = [asyncio.create_task(conference.join(call)) for call in calls]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=0.1)
            yield conference
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
