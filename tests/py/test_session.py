"""Sessions: what is usual, until an app overrides it."""

from __future__ import annotations

import asyncio

import pytest
from an_app import failures

from sems import App, Call, CallFailed, EndReason, Refer, Session, SipRequest
from sems.testing import Lab


def app_with(kind: type[Session]) -> App:
    app = App("mine")
    app.session(kind)
    return app


async def test_a_session_of_which_nothing_is_overridden_answers_and_lasts(lab: Lab) -> None:
    class Plain(Session):
        pass

    server = await lab.server(apps=[app_with(Plain)], rtp_timeout=10)
    alice = await lab.phone("alice")
    call = await alice.call("sip:mine@sems")
    alice.tone(440)
    await asyncio.sleep(30)
    assert call.state == "answered"
    assert (await call.request("MESSAGE", body="hello")).code == 480, "it takes no texts"
    await alice.hang_up()
    await asyncio.sleep(1)
    assert (server.calls, Plain._running) == ({}, {})


async def test_what_happens_runs_side_by_side_and_ends_with_the_call(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []

    class Mine(Session):
        async def on_dtmf(self, digit: str) -> None:
            try:
                seen.append(digit)
                await asyncio.sleep(3600)
            finally:
                seen.append(f"-{digit}")

        async def on_speaking(self, on: bool) -> None:
            seen.append(on)

        async def on_hold(self, on: bool) -> None:
            seen.append("hold" if on else "back")

        async def on_message(self, message: SipRequest) -> None:
            seen.append(message.text)

        async def on_info(self, info: SipRequest) -> None:
            seen.append(info.body)

        async def on_bye(self, end: EndReason) -> None:
            seen.append(end.cause)

    await lab.server(apps=[app_with(Mine)])
    alice = await lab.phone("alice")
    call = await alice.call("sip:mine@sems")
    await alice.key("12")
    alice.tone(440)
    await asyncio.sleep(1)
    alice.silence()
    await alice.hold()
    await alice.hold(False)
    assert (await call.send_message("hello")).ok
    assert (await call.request("INFO", body="x", content_type="application/x")).ok
    await asyncio.sleep(1)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert [one for one in seen if one in ("1", "2", "hold", "back", "hello", b"x")] == [
        "1", "2", "hold", "back", "hello", b"x",
    ]  # fmt: skip
    assert seen.index(True) < seen.index(False)
    assert sorted(map(str, seen[-3:])) == ["-1", "-2", "remote"]
    assert seen[-1] == "remote"
    assert not failures(caplog)


async def test_the_call_is_hung_up_when_run_returns_and_refused_where_on_invite_says_so(lab: Lab) -> None:
    ends: list[str] = []

    class Mine(Session):
        async def on_invite(self) -> None:
            if self.call.user == "mine":
                await super().on_invite()
            else:
                await self.call.reject(403)

        async def run(self) -> None:
            await self.call.sleep(1)

        async def on_bye(self, end: EndReason) -> None:
            ends.append(end.cause)

    await lab.server(apps=[app_with(Mine)], routes=[{"app": "mine"}])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.ended()).cause == "remote"
    with pytest.raises(CallFailed, match="403"):
        await alice.call("sip:other@sems")
    assert ends == ["local", "local"]


async def test_silence_ends_the_call_unless_that_is_overridden(lab: Lab) -> None:
    told: list[int] = []

    class Patient(Session):
        async def on_rtp_timeout(self, silent_ms: int) -> None:
            told.append(silent_ms)
            if len(told) > 1:
                await super().on_rtp_timeout(silent_ms)

        async def on_rtp_resumed(self) -> None:
            told.append(0)

    class Plain(Session):
        pass

    patient, plain = app_with(Patient), App("plain")
    plain.session(Plain)
    server = await lab.server(apps=[patient, plain], rtp_timeout=5)
    for name, lasts in (("mine", True), ("plain", False)):
        alice = await lab.phone(f"alice-{name}")
        await alice.call(f"sip:{name}@sems")
        alice.tone(440)
        await asyncio.sleep(1)
        await alice.vanish()
        await asyncio.sleep(8)
        assert bool(server.calls) == lasts, name
        for call in server.calls.values():
            server.spawn(call.hangup())
        await asyncio.sleep(40)
    assert len(told) == 1


async def test_a_transfer_is_refused_unless_it_is_taken(lab: Lab) -> None:
    class Mine(Session):
        async def on_refer(self, refer: Refer) -> None:
            if refer.target.startswith("sip:bob@"):
                await refer.follow()
            else:
                await super().on_refer(refer)

    await lab.server(apps=[app_with(Mine)])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    call = await alice.call("sip:mine@sems")
    assert (await call.transfer("sip:carol@10.0.0.99", hangup=False)).code == 603
    transferring = asyncio.create_task(call.transfer(bob.uri))
    await (await bob.ringing()).answer()
    assert (await transferring).ok


async def test_what_goes_wrong_is_logged_once_and_ends_the_call(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    class Mine(Session):
        async def on_dtmf(self, digit: str) -> None:
            raise ZeroDivisionError

    await lab.server(apps=[app_with(Mine)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.key("1")
    assert (await alice.ended()).cause == "remote"
    (failure,) = failures(caplog)
    assert isinstance(failure.exc_info[1], ZeroDivisionError)  # type: ignore[index]


async def test_a_call_that_a_session_places_may_fail_for_it(lab: Lab) -> None:
    class Mine(Session):
        async def on_invite(self) -> None:
            await self.call.bridge("sip:bob@bob")

    seen: list[Call] = []
    server = await lab.server(apps=[app_with(Mine)])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    await (await bob.ringing()).reject(486)
    with pytest.raises(CallFailed, match="486"):
        await calling
    await asyncio.sleep(1)
    assert list(server.calls.values()) == seen


@pytest.mark.parametrize("where", ["on_invite", "on_dtmf", "run", "cancelled"])
async def test_what_is_left_to_do_is_done_whatever_has_failed(lab: Lab, where: str) -> None:
    ends: list[tuple[str, bool]] = []

    class Mine(Session):
        async def on_invite(self) -> None:
            if where == "on_invite":
                raise RuntimeError(where)
            await super().on_invite()

        async def run(self) -> None:
            await self.call.sleep(1)
            if where == "run":
                raise RuntimeError(where)
            await super().run()

        async def on_dtmf(self, digit: str) -> None:
            raise RuntimeError(where)

        async def on_bye(self, end: EndReason) -> None:
            await asyncio.sleep(0.1)
            ends.append((end.cause, self.call.end is end))

    server = await lab.server(apps=[app_with(Mine)])
    alice = await lab.phone("alice")
    if where == "on_invite":
        with pytest.raises(CallFailed, match="500"):
            await alice.call("sip:mine@sems")
    else:
        await alice.call("sip:mine@sems")
        await asyncio.sleep(0.5)
        if where == "on_dtmf":
            await alice.key("5")
        if where == "cancelled":
            for handler in tuple(server.incoming.handlers):
                handler.cancel()
        await alice.ended()
    await asyncio.sleep(1)
    assert ends == [("local", True)]
