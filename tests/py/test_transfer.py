"""Transfers both ways: REFER, and what comes of it."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, Call, CallFailed, Config, HungUp, Refer, Server, SipResponse, Transferring
from sems.plugins import Apps
from sems.testing import Lab, Phone


async def until_over(call: Call) -> None:
    await call.answer()
    await call.wait_ended()


async def in_call(lab: Lab, app: App) -> tuple[Phone, Call]:
    """Alice speaks with the app ``mine``."""
    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    return alice, call


def plain_app() -> App:
    app = App("mine")
    app.call(until_over)
    return app


# We transfer a peer


async def test_a_blind_transfer_brings_the_peer_to_somebody_else(lab: Lab) -> None:
    alice, call = await in_call(lab, plain_app())
    bob = await lab.phone("bob")
    told: list[object] = []
    call.subscribe(told.append)
    transferring = asyncio.create_task(call.transfer(bob.uri, referred_by="sip:mine@sems.example"))
    ringing = await bob.ringing()
    assert ringing.headers["Referred-By"] == "<sip:mine@sems.example>"
    assert ringing.caller_name == "alice"
    await asyncio.sleep(2)
    await ringing.answer()
    transfer = await transferring
    assert (transfer.code, transfer.ok) == (200, True)
    assert Transferring(180, "Ringing") in told
    assert call.end is not None, "who hands over hangs up"
    assert alice.line is not None
    assert alice.line.uri == bob.uri
    alice.tone(440)
    await asyncio.sleep(0.5)
    assert (await bob.hear(0.5)).has_tone(440)


async def test_a_transfer_that_fails_leaves_the_call_as_it_was(lab: Lab) -> None:
    _, call = await in_call(lab, plain_app())
    bob = await lab.phone("bob")
    transferring = asyncio.create_task(call.transfer(bob.uri))
    await (await bob.ringing()).reject(486)
    transfer = await transferring
    assert (transfer.code, transfer.reason, transfer.ok) == (486, "Busy Here", False)
    assert call.state == "answered"


async def test_what_comes_of_it_is_heard_after_the_call(lab: Lab) -> None:
    _, call = await in_call(lab, plain_app())
    bob = await lab.phone("bob")
    transferring = asyncio.create_task(call.transfer(bob.uri))
    ringing = await bob.ringing()
    await call.hangup()
    await asyncio.sleep(1)
    await ringing.answer()
    assert (await transferring).code == 200
    await asyncio.sleep(40)
    assert call.server.engine.core.stats()["sessions"] == 0


@pytest.mark.parametrize("after", [0.05, 1.0])
async def test_who_is_transferred_and_hangs_up_before_anything_came_of_it_is_not_waited_for(
    lab: Lab, after: float
) -> None:
    app, ended = App("mine"), list[float]()
    now = asyncio.get_running_loop().time
    bob = await lab.phone("bob")

    @app.call
    async def hand_over(call: Call) -> None:
        await call.answer()
        with pytest.raises(HungUp) as hung_up:
            await call.transfer(bob.uri)
        assert hung_up.value.call is call
        ended.append(now())

    alice, _ = await in_call(lab, app)
    assert alice.line is not None
    line = alice.line
    await asyncio.sleep(after)
    began = now()
    await line.hangup()
    await asyncio.sleep(20)
    assert [at - began for at in ended] == [pytest.approx(5, abs=0.2)]


async def test_an_attended_transfer_joins_two_peers(lab: Lab) -> None:
    server = await lab.server(apps=[plain_app()])
    alice, bob = [await lab.phone(name) for name in ("alice", "bob")]
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    dialing = asyncio.create_task(server.dial(bob.uri))
    bobs = await bob.ringing()
    await bobs.answer()
    other = await dialing
    assert (await call.transfer(other)).code == 200
    await asyncio.sleep(1)
    assert bobs.end is None, "Bob's call has another peer now"
    assert bobs.caller_name == "alice"
    assert (call.end is not None, other.end is not None) == (True, True)
    await asyncio.sleep(6)
    alice.tone(440)
    await asyncio.sleep(0.5)
    assert (await bob.hear(0.5)).has_tone(440)
    assert not server.calls


@pytest.mark.parametrize("before", [0.5, 0.002])
async def test_an_attended_transfer_to_a_call_that_is_over_tells_which(lab: Lab, before: float) -> None:
    server = await lab.server(apps=[plain_app()])
    alice, bob = [await lab.phone(name) for name in ("alice", "bob")]
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    dialing = asyncio.create_task(server.dial(bob.uri))
    await (await bob.ringing()).answer()
    other = await dialing
    hanging_up = asyncio.create_task(bob.hang_up())
    await asyncio.sleep(before)
    with pytest.raises(HungUp) as ended:
        await call.transfer(other)
    assert ended.value.call is other
    assert call.state == "answered"
    await hanging_up


async def test_a_peer_that_takes_no_refer_says_so(lab: Lab) -> None:
    server = await lab.server(apps=[plain_app()])
    apps = Apps()
    apps.add(plain_app())
    async with Server(Config(data=lab.folder / "peer"), apps=apps, network=lab.network, web=False) as peer:
        call = await server.dial(f"sip:mine@{peer.engine.core.sip_addresses()[0]}")
        transfer = await call.transfer("sip:carol@10.0.0.99")
        assert transfer.code == 405
        assert call.state == "answered"


async def test_nothing_told_is_a_timeout(lab: Lab) -> None:
    _, call = await in_call(lab, plain_app())
    bob = await lab.phone("bob")
    transferring = asyncio.create_task(call.transfer(bob.uri, timeout=20))
    await bob.ringing()
    assert (await transferring).code == 408


async def test_a_peer_may_be_asked_to_tell_nothing(lab: Lab) -> None:
    _, call = await in_call(lab, plain_app())
    bob = await lab.phone("bob")
    transfer = await call.transfer(bob.uri, notify=False)
    assert (transfer.code, transfer.ok) == (202, True)
    await (await bob.ringing()).answer()


# We are transferred


def app_that_follows(followed: list[Call]) -> App:
    app = plain_app()

    @app.refer
    async def on_refer(refer: Refer) -> None:
        assert refer.call is not None
        call = await refer.follow(from_name="The App")
        followed.append(call)
        await call.wait_ended()

    return app


async def test_an_app_that_is_transferred_calls_the_target_and_tells_how_it_went(lab: Lab) -> None:
    followed: list[Call] = []
    alice, call = await in_call(lab, app_that_follows(followed))
    bob = await lab.phone("bob")
    assert alice.line is not None
    transferring = asyncio.create_task(alice.line.transfer(bob.uri))
    ringing = await bob.ringing()
    assert ringing.caller_name == "The App"
    await ringing.answer()
    assert (await transferring).code == 200
    await asyncio.sleep(1)
    assert (len(followed), call.end is not None) == (1, True)
    assert followed[0].state == "answered"


async def test_who_transfers_hears_that_the_target_refused(lab: Lab) -> None:
    alice, _ = await in_call(lab, app_that_follows([]))
    bob = await lab.phone("bob")
    assert alice.line is not None
    transferring = asyncio.create_task(alice.line.transfer(bob.uri))
    await (await bob.ringing()).reject(603, "No Thanks")
    transfer = await transferring
    assert (transfer.code, transfer.reason) == (603, "No Thanks")


async def test_an_app_that_does_not_accept_has_refused(lab: Lab) -> None:
    app = plain_app()

    @app.refer
    async def on_refer(refer: Refer) -> None:
        assert (refer.target, refer.referred_by) == ("sip:carol@10.0.0.99", "sip:alice@10.0.0.2")

    alice, call = await in_call(lab, app)
    assert alice.line is not None
    transfer = await alice.line.transfer("sip:carol@10.0.0.99", referred_by="sip:alice@10.0.0.2")
    assert (transfer.code, transfer.reason) == (603, "Decline")
    assert call.state == "answered"


async def test_a_slow_app_is_accepted_for_and_may_still_refuse(lab: Lab) -> None:
    app = plain_app()

    @app.refer
    async def on_refer(refer: Refer) -> None:
        await asyncio.sleep(5)
        await refer.respond(403, "Not You")

    alice, call = await in_call(lab, app)
    assert alice.line is not None
    began = asyncio.get_running_loop().time()
    transfer = await alice.line.transfer("sip:carol@10.0.0.99")
    assert (transfer.code, transfer.reason) == (403, "Not You")
    assert asyncio.get_running_loop().time() - began > 5
    assert call.server.engine.core.stats()["sip_repeated"] == 0


async def test_a_slow_app_may_still_follow(lab: Lab) -> None:
    app = plain_app()

    @app.refer
    async def on_refer(refer: Refer) -> None:
        await asyncio.sleep(1)
        await refer.follow()

    alice, _ = await in_call(lab, app)
    bob = await lab.phone("bob")
    assert alice.line is not None
    transferring = asyncio.create_task(alice.line.transfer(bob.uri))
    await (await bob.ringing()).answer()
    assert (await transferring).code == 200


async def test_apps_that_take_no_refer_get_none(lab: Lab) -> None:
    followed: list[Call] = []
    await lab.server(apps=[app_that_follows(followed)])
    alice = await lab.phone("alice")
    line = await alice.call("sip:echo@sems")
    assert (await line.transfer("sip:carol@10.0.0.99")).code == 603
    refused = await line.request("REFER", headers=[])
    assert (refused.code, refused.reason) == (400, "One Refer-To Needed")


async def test_a_refer_from_outside_reaches_the_app_with_the_dialog_that_it_names(lab: Lab) -> None:
    app = plain_app()
    seen: list[Refer] = []

    @app.refer
    async def on_refer(refer: Refer) -> None:
        seen.append(refer)

    alice, call = await in_call(lab, app)
    tags = [alice.headers[name].partition(";tag=")[2] for name in ("From", "To")]
    dialog = f"{alice.headers['Call-ID']};local-tag={tags[0]};remote-tag={tags[1]}"

    async def refer(*more: tuple[str, str]) -> SipResponse:
        headers = [("Refer-To", "<sip:carol@10.0.0.99>"), *more]
        return await alice.request("REFER", "sip:mine@sems", headers=headers)

    assert (await refer(("Target-Dialog", dialog))).code == 603
    assert (await refer()).code == 603
    assert [refer.call for refer in seen] == [call, None]


async def test_a_target_that_can_not_be_called_is_told_of(lab: Lab) -> None:
    app = plain_app()

    @app.refer
    async def on_refer(refer: Refer) -> None:
        with pytest.raises((CallFailed, ValueError)):
            await refer.follow()

    alice, _ = await in_call(lab, app)
    assert alice.line is not None
    assert not (await alice.line.transfer("mailto:carol@example.org")).ok
