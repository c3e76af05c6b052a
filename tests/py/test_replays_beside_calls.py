"""Requests beside calls, and others within them, go the same way again."""

from __future__ import annotations

import asyncio

from recorded import goes_the_same_way, recorded
from test_accounts import Registrar, registered
from test_registrar import Desk
from test_subscriptions import Mailbox
from test_transfer import in_call, plain_app

from sems import App, SipRequest
from sems.testing import Lab


def answering() -> App:
    """The app ``mine``, which takes its time."""
    app = App("mine")

    @app.request("PUBLISH")
    @app.request("MESSAGE")
    async def take(request: SipRequest) -> None:
        await asyncio.sleep(0.2)
        await request.respond(202, "Read", headers=[("X-Read", request.text or "nothing")], body="thanks")

    return app


async def test_a_request_that_we_answer_is_answered_again(lab: Lab) -> None:
    server = await lab.server(apps=[answering()])
    phone = await lab.server(name="phone")
    where = lab.resolve("sems")
    response = await phone.send_message(f"sip:mine@{where}", "bonjour à tous")
    assert (response.code, response.reason) == (202, "Read")
    for side in (server, phone):
        goes_the_same_way(await recorded(side, "MESSAGE"))
    await phone.request("OPTIONS", f"sip:mine@{where}")
    for side in (server, phone):
        goes_the_same_way(await recorded(side, "OPTIONS"))


async def test_a_request_that_nobody_answers_is_given_up_again(lab: Lab) -> None:
    server = await lab.server()
    response = await server.request("MESSAGE", "sip:nobody@10.77.77.77", body="hello")
    assert response.code == 408
    trace = await recorded(server, "MESSAGE")
    assert trace.entries[-1].text == "the answer was 408 Request Timeout"
    goes_the_same_way(trace)


async def test_binary_bodies_are_what_they_were(lab: Lab) -> None:
    server = await lab.server()
    phone = await lab.server(name="phone")
    body, kind = b"\x00\xff\r\n\x80", "application/octet-stream"
    await phone.request("PUBLISH", f"sip:mine@{lab.resolve('sems')}", body=body, content_type=kind)
    for side in (server, phone):
        goes_the_same_way(await recorded(side, "PUBLISH"))


async def test_a_subscription_and_all_its_notifications_come_again_on_both_sides(lab: Lab) -> None:
    mailbox = Mailbox()
    server = await lab.server(apps=[mailbox.app])
    alice = await lab.phone("alice")
    where = lab.resolve("sems")
    async with await alice.server.subscribe(f"sip:mine@{where}", "message-summary", expires=60) as told:
        await anext(told)
        mailbox.messages = 2
        await mailbox.tell(mailbox.subscriptions[0])
        await anext(told)
        await anext(told)  # refreshed
    await mailbox.subscriptions[0].wait_ended()
    for side in (server, alice.server):
        trace = await recorded(side, "SUBSCRIBE")
        titles = [entry.title for entry in trace.messages]
        assert titles.count("SUBSCRIBE") == 3
        assert "the subscription is over" in " ".join(entry.text for entry in trace.entries)
        goes_the_same_way(trace)


async def test_an_account_registers_again_although_its_times_are_drawn_by_lot(lab: Lab) -> None:
    registrar = Registrar()
    server = await registered(lab, await registrar.start(lab), expires=100)
    await asyncio.sleep(500)
    await server.stop()
    trace = await recorded(server, "REGISTER")
    assert len([entry for entry in trace.messages if entry.method == "REGISTER"]) >= 12
    again = goes_the_same_way(trace)
    # The lots were others.
    assert again.now.messages[-1].at_ns == trace.messages[-1].at_ns


async def test_a_phone_registers_at_us_again(lab: Lab) -> None:
    users = [{"name": "ann", "password": "secret"}]
    server = await lab.server(registrar={"enabled": True}, auth={"users": users})
    desk = Desk(lab, server)
    code, _, _ = await desk.register("<sip:ann@10.9.0.1>")
    trace = await recorded(server, "REGISTER")
    assert trace.messages[-1].code == code
    goes_the_same_way(trace)


async def test_a_transfer_goes_the_same_way_again(lab: Lab) -> None:
    alice, call = await in_call(lab, plain_app())
    bob = await lab.phone("bob")
    transferring = asyncio.create_task(call.transfer(bob.uri))
    await (await bob.ringing()).answer()
    assert (await transferring).ok
    trace = await recorded(call.server)
    assert "refer" in [entry.text for entry in trace.entries]
    goes_the_same_way(trace)
    # The other side accepts it, and tells what comes of it.
    (first,) = [one for one in alice.server.traced_calls() if one.direction == "out" and "mine" in one.uri]
    trace = alice.server.trace(first.call_id)
    assert {"accept_refer", "notify_refer"} <= {entry.text for entry in trace.entries}
    goes_the_same_way(trace)


async def test_requests_within_a_call_come_again(lab: Lab) -> None:
    alice, call = await in_call(lab, plain_app())
    await call.send_message("look here")
    await call.send_digits("12", method="info")
    await alice.key("5", method="info")
    await alice.hang_up()
    for server in (call.server, alice.server):
        trace = await recorded(server)
        assert {"Signal=*"} == {line for line in trace.to_json().split("\\r\\n") if line.startswith("Signal")}
        goes_the_same_way(trace)
