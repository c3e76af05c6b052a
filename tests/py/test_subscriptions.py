"""Subscriptions both ways (RFC 6665)."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, CallFailed, Subscription
from sems.testing import Lab

SUMMARY = "application/simple-message-summary"


class Mailbox:
    """The app ``mine``, which tells how many messages there are."""

    def __init__(self) -> None:
        self.messages = 0
        self.subscriptions: list[Subscription] = []
        self.app = App("mine")
        self.app.subscription("message-summary")(self._on_subscription)

    async def _on_subscription(self, subscription: Subscription) -> None:
        self.subscriptions.append(subscription)
        await self.tell(subscription)

    async def tell(self, subscription: Subscription) -> None:
        await subscription.notify(f"Voice-Message: {self.messages}/0\r\n", SUMMARY)


async def test_a_subscriber_hears_the_state_and_its_changes(lab: Lab) -> None:
    mailbox = Mailbox()
    server = await lab.server(apps=[mailbox.app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    async with await alice.server.subscribe(f"sip:mine@{address}", "message-summary") as notifications:
        first = await anext(notifications)
        assert (first.state, first.text, first.content_type) == ("active", "Voice-Message: 0/0\r\n", SUMMARY)
        (subscription,) = mailbox.subscriptions
        assert (subscription.package, subscription.expires) == ("message-summary", 600)
        mailbox.messages = 2
        await mailbox.tell(subscription)
        assert (await anext(notifications)).text == "Voice-Message: 2/0\r\n"
        # Beyond several refreshes, of each of which a NOTIFY tells the same again.
        for _ in range(3):
            assert (await anext(notifications)).text == "Voice-Message: 2/0\r\n"
        assert asyncio.get_running_loop().time() > 1500
        assert subscription.end is None
    assert await subscription.wait_ended() == "left"


async def test_a_package_that_no_app_notifies_of_is_refused(lab: Lab) -> None:
    server = await lab.server(apps=[Mailbox().app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    with pytest.raises(CallFailed) as failed:
        await alice.server.subscribe(f"sip:mine@{address}", "presence")
    assert (failed.value.code, failed.value.reason) == (489, "Bad Event")
    with pytest.raises(CallFailed) as failed:
        await alice.server.subscribe(f"sip:echo@{address}", "message-summary")
    assert (failed.value.code, failed.value.reason) == (403, "Forbidden")
    assert server.subscriptions == {}


async def test_a_single_look_is_answered_once(lab: Lab) -> None:
    mailbox = Mailbox()
    server = await lab.server(apps=[mailbox.app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    looked = await alice.server.subscribe(f"sip:mine@{address}", "message-summary", expires=0)
    (only,) = [notification async for notification in looked]
    assert (only.state, only.text) == ("terminated", "Voice-Message: 0/0\r\n")


async def test_a_subscription_that_may_be_had_again_is_made_again(lab: Lab) -> None:
    mailbox = Mailbox()
    server = await lab.server(apps=[mailbox.app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    notifications = await alice.server.subscribe(f"sip:mine@{address}", "message-summary")
    await anext(notifications)
    began = asyncio.get_running_loop().time()
    await mailbox.subscriptions[0].finish("probation", retry_after=30)
    assert (await anext(notifications)).reason == "probation"
    assert (await anext(notifications)).state == "active"
    assert 30 <= asyncio.get_running_loop().time() - began < 32
    await mailbox.subscriptions[1].finish("noresource")
    assert [told.state async for told in notifications] == ["terminated"]
    assert len(mailbox.subscriptions) == 2


async def test_a_subscriber_that_vanishes_is_found_out(lab: Lab) -> None:
    mailbox = Mailbox()
    server = await lab.server(apps=[mailbox.app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    await anext(await alice.server.subscribe(f"sip:mine@{address}", "message-summary"))
    await alice.vanish()
    (subscription,) = mailbox.subscriptions
    await mailbox.tell(subscription)
    assert await subscription.wait_ended() == "silent"
    assert not server.subscriptions


class Numbers:
    """The app ``mine``, each of whose bodies has its own number."""

    def __init__(self) -> None:
        self.last = 0
        self.subscription: Subscription | None = None
        self.app = App("mine")
        self.app.subscription("message-summary")(self._on_subscription)

    async def _on_subscription(self, subscription: Subscription) -> None:
        self.subscription = subscription
        subscription.on_refresh = lambda: subscription.server.spawn(self.tell())
        await self.tell()

    async def tell(self) -> None:
        assert self.subscription is not None
        await self.subscription.notify(str(self.last + 1), "text/plain", numbered=True)
        self.last += 1


async def test_a_body_that_has_a_number_is_neither_repeated_nor_left_out(lab: Lab) -> None:
    numbers = Numbers()
    server = await lab.server(apps=[numbers.app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    async with await alice.server.subscribe(f"sip:mine@{address}", "message-summary") as notifications:
        assert (await anext(notifications)).text == "1"
        # The answer to it is on its way.
        await asyncio.sleep(0.1)
        told = [asyncio.create_task(numbers.tell()) for _ in range(3)]
        await asyncio.wait(told)
        assert [task.exception() is None for task in told] == [True, False, False]
        assert (await anext(notifications)).text == "2"
        # By refreshes, each of which asks for another.
        assert [(await anext(notifications)).text for _ in range(3)] == ["3", "4", "5"]
    assert numbers.subscription is not None
    assert await numbers.subscription.wait_ended() == "left"


async def test_who_subscribes_has_shown_who_he_is_where_that_is_asked(lab: Lab) -> None:
    numbers = Numbers()
    users = [{"name": "alice", "password": "secret"}]
    server = await lab.server(apps=[numbers.app], auth={"challenge": ["SUBSCRIBE"], "users": users})
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    notifications = await alice.server.subscribe(
        f"sip:mine@{address}", "message-summary", username="alice", password="secret"
    )
    assert (await anext(notifications)).text == "1"
    assert numbers.subscription is not None
    assert numbers.subscription.authenticated_user == "alice"


async def test_a_slow_app_is_spoken_for(lab: Lab) -> None:
    app = App("mine")

    @app.subscription("dialog")
    async def slow(subscription: Subscription) -> None:
        await asyncio.sleep(5)
        await subscription.notify("<dialog-info/>", "application/dialog-info+xml")

    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    address = server.engine.core.sip_addresses()[0]
    notifications = await alice.server.subscribe(f"sip:mine@{address}", "dialog")
    assert (await anext(notifications)).state == "pending"
    assert (await anext(notifications)).text == "<dialog-info/>"
    assert server.engine.core.stats()["sip_repeated"] == 0
