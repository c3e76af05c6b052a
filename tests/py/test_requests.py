"""Requests beside calls: MESSAGE and others, in and out of dialogs."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, Call, Config, HungUp, Message, Server, SipRequest, WrongState
from sems.plugins import Apps
from sems.testing import Lab


async def until_over(call: Call) -> None:
    await call.answer()
    await call.wait_ended()


def texts() -> tuple[App, list[SipRequest]]:
    """The app ``mine``, which takes calls and texts."""
    app = App("mine")
    app.call(until_over)
    taken: list[SipRequest] = []

    @app.message
    async def on_text(message: SipRequest) -> None:
        taken.append(message)

    return app, taken


async def test_a_text_reaches_the_app_that_it_is_addressed_to(lab: Lab) -> None:
    app, taken = texts()
    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    response = await alice.send_message("sip:mine@sems", "Grüße, 你好")
    assert (response.code, response.reason, response.ok) == (200, "OK", True)
    (message,) = taken
    assert (message.text, message.content_type) == ("Grüße, 你好", "text/plain")
    assert (message.sender.name, message.sender.uri) == ("alice", alice.uri)
    assert message.call is None


async def test_texts_pass_both_ways_within_a_call(lab: Lab) -> None:
    app, taken = texts()
    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    told: list[object] = []
    call.subscribe(told.append)
    assert (await line.send_message("hello")).code == 200
    assert taken[0].call is call
    assert Message("hello") in told
    assert (await call.send_message("and back")).code == 200
    assert (await alice.message()).text == "and back"


async def test_a_server_sends_a_text_to_whom_it_likes(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    response = await server.send_message(alice.uri, "your link", from_name="The Bridge")
    assert response.ok
    text = await alice.message()
    assert (text.text, text.sender.name) == ("your link", "The Bridge")


async def test_a_slow_app_does_not_make_the_phone_repeat(lab: Lab) -> None:
    app = App("mine")
    late: list[str] = []

    @app.message
    async def on_text(message: SipRequest) -> None:
        await asyncio.sleep(5)
        with pytest.raises(WrongState):
            await message.respond(403)
        late.append(message.text)

    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await alice.send_message("sip:mine@sems", "hello")).code == 202
    assert loop.time() - began < 0.5
    await asyncio.sleep(6)
    assert late == ["hello"], "what was accepted reaches its handler"
    assert server.engine.core.stats()["sip_repeated"] == 0


async def test_without_an_app_that_takes_texts_the_server_takes_none(lab: Lab) -> None:
    app = App("mine")
    app.call(until_over)
    apps = Apps()
    apps.add(app)
    alice = await lab.phone("alice")
    async with Server(Config(data=lab.folder / "sems"), apps=apps, network=lab.network, web=False) as server:
        address = server.engine.core.sip_addresses()[0]
        response = await alice.server.send_message(f"sip:mine@{address}", "hello")
    assert response.code == 405
    assert "MESSAGE" not in response.headers["Allow"]


async def test_an_app_that_takes_no_texts_refuses_them_where_another_does(lab: Lab) -> None:
    app, taken = texts()
    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    assert (await alice.send_message("sip:echo@sems", "hello")).code == 480
    assert not taken


async def test_an_app_can_take_any_method_raw(lab: Lab) -> None:
    app = App("mine")
    app.call(until_over)

    @app.request("PUBLISH")
    async def on_publish(request: SipRequest) -> None:
        assert request.headers["Event"] == "presence"
        await request.respond(200, headers=[("SIP-ETag", "abc")], body=request.body[::-1])

    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    response = await alice.request(
        "PUBLISH", "sip:mine@sems", body=b"\x00\xff1", headers=[("Event", "presence")]
    )
    assert (response.code, response.headers["SIP-ETag"], response.body) == (200, "abc", b"1\xff\x00")
    line = await alice.call("sip:mine@sems")
    response = await line.request("PUBLISH", body="in the call", headers=[("Event", "presence")])
    assert response.text == "llac eht ni"
    await alice.hang_up()
    await asyncio.sleep(1)
    assert not server.calls


@pytest.mark.parametrize(("default", "code", "within"), [(202, 202, 0.5), (None, 500, 10.5)])
async def test_the_core_answers_for_an_app_that_does_not(
    lab: Lab, default: int | None, code: int, within: float
) -> None:
    app = App("mine")

    @app.request("PUBLISH", default=default)
    async def never(request: SipRequest) -> None:
        await asyncio.sleep(60)

    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    began = asyncio.get_running_loop().time()
    assert (await alice.request("PUBLISH", "sip:mine@sems")).code == code
    assert asyncio.get_running_loop().time() - began < within


@pytest.mark.parametrize(
    ("content_type", "size", "code"),
    [("text/html", 10, 415), ("message/cpim", 10, 415), ("text/plain", 17_000, 413)],
)
async def test_what_is_no_text_or_too_long_is_refused(
    lab: Lab, content_type: str, size: int, code: int
) -> None:
    app, taken = texts()
    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    response = await line.request("MESSAGE", body="x" * size, content_type=content_type)
    assert response.code == code
    if code == 415:
        assert response.headers["Accept"] == "text/plain"
    assert not taken


async def test_an_app_that_takes_messages_raw_gets_them_all(lab: Lab) -> None:
    app = App("mine")
    kinds: list[str] = []

    @app.request("MESSAGE", default=202)
    async def on_any(request: SipRequest) -> None:
        kinds.append(request.content_type)

    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    response = await alice.request("MESSAGE", "sip:mine@sems", body="<b>", content_type="text/html")
    assert (response.code, kinds) == (200, ["text/html"])


async def test_a_handler_that_fails_is_answered_for(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    app = App("mine")

    @app.message
    async def fail(message: SipRequest) -> None:
        raise ValueError("no")

    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    assert (await alice.send_message("sip:mine@sems", "hello")).code == 500
    assert "an app failed at a request" in caplog.messages


async def test_no_answer_is_a_408(lab: Lab) -> None:
    server = await lab.server()
    response = await server.request("OPTIONS", "sip:nobody@10.0.0.99")
    assert (response.code, list(response.headers)) == (408, [])


async def test_what_waits_for_an_answer_ends_with_the_call(lab: Lab) -> None:
    app, _ = texts()
    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    await alice.vanish()
    asking = asyncio.create_task(call.send_message("are you there?"))
    await asyncio.sleep(1)
    await call.hangup()
    with pytest.raises(HungUp):
        await asking


@pytest.mark.parametrize("method", ["INVITE", "BYE", "ACK", "CANCEL", "UPDATE", "PRACK", "NO METHOD"])
async def test_methods_of_calls_are_not_sent_raw(lab: Lab, method: str) -> None:
    server = await lab.server()
    with pytest.raises(ValueError, match="method has to be"):
        await server.request(method, "sip:alice@10.0.0.9")
