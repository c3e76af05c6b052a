"""The app ``precall``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sems import Call, CallFailed
from sems.testing import Lab, Phone

MakeTone = Callable[..., Path]
NEIGHBOURS = ["10.0.0.0/8"]


def route(**params: str) -> list[dict[str, object]]:
    return [{"user": "100", "app": "precall", "params": {"play": "notice", **params}}]


@pytest.fixture
def notice(lab: Lab, make_tone: MakeTone) -> Path:
    """Two seconds of a tone."""
    return make_tone(lab.folder / "sems" / "announcements" / "notice.wav", 440, 2)


async def sent_by_a_proxy(lab: Lab, phone: Phone, uri: str, param: str = "", **how: object) -> Call:
    """A call of the phone's that a proxy has sent to the server for its announcement."""
    headers = [("P-App-Name", "precall"), ("P-App-Param", param)]
    where = {"destination": lab.resolve("sems")} if "route" not in how else {}
    phone.line = await phone.server.place(
        uri, from_name=phone.name, from_uri=phone.uri, headers=headers, **where, **how
    )  # type: ignore[arg-type]
    return phone.line


async def test_it_is_heard_before_the_answer_and_then_the_call_goes_on(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    server = await lab.server(routes=route(to=bob.uri), trusted=NEIGHBOURS)
    call = await alice.dial("sip:100@sems")
    await asyncio.sleep(0.1)
    assert (call.state, call.early_media) == ("dialing", True)
    heard = await alice.hear(1.5)
    assert heard.has_tone(440)
    assert len(server.calls) == 1, "Bob is not called yet"
    ringing = await bob.ringing()
    assert (ringing.caller_name, ringing.caller_uri) == ("alice", alice.uri)
    await asyncio.sleep(0.5)
    assert call.answered_at is None
    assert (await alice.hear(0.5)).has_tone(425), "it rings"
    await ringing.answer()
    await call.wait_answered()
    alice.tone(600)
    bob.tone(900)
    await asyncio.sleep(0.2)
    said, back = await asyncio.gather(bob.hear(1), alice.hear(1))
    assert said.has_tone(600)
    assert back.has_tone(900)
    assert not back.has_tone(440)
    await bob.hang_up()
    assert (await alice.ended()).cause == "remote"


async def test_the_codec_of_the_announcement_goes_on_to_whom_is_called(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(routes=route(to=bob.uri), trusted=NEIGHBOURS)
    call = await alice.server.place(
        "sip:100@sems", destination=lab.resolve("sems"), from_uri=alice.uri, codecs=["PCMA", "PCMU"]
    )
    ringing = await bob.ringing()
    assert ringing.codecs[0] == "PCMA"
    await ringing.answer()
    await call.wait_answered()
    assert (call.codec, ringing.codec) == ("PCMA", "PCMA")


async def test_whom_is_called_refuses_and_the_caller_gets_his_code(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(routes=route(to=bob.uri), trusted=NEIGHBOURS)
    call = await alice.dial("sip:100@sems")
    await (await bob.ringing()).reject(603, "Not For Me")
    with pytest.raises(CallFailed, match="603 Not For Me"):
        await call.wait_answered()


async def test_it_rings_as_long_as_it_would_without_an_announcement(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(routes=route(to=bob.uri), trusted=NEIGHBOURS)
    call = await alice.dial("sip:100@sems")
    ringing = await bob.ringing()
    await asyncio.sleep(150)
    await ringing.answer()
    await call.wait_answered()


async def test_a_caller_who_gives_up_has_nobody_called(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    server = await lab.server(routes=route(to=bob.uri), trusted=NEIGHBOURS)
    call = await alice.dial("sip:100@sems")
    await call.wait_media()
    await alice.hear(1)
    await alice.hang_up()
    await asyncio.sleep(5)
    assert (server.calls, bob.line) == ({}, None)


@pytest.mark.parametrize(
    ("params", "code", "reason"),
    [
        ({}, 480, "Temporarily Unavailable"),
        ({"code": "404", "reason": "No Longer In Service"}, 404, "No Longer In Service"),
        ({"code": "200"}, 480, "Temporarily Unavailable"),
        ({"code": "so"}, 480, "Temporarily Unavailable"),
    ],
)
async def test_it_is_heard_and_then_the_call_is_refused(
    lab: Lab, notice: Path, params: dict[str, str], code: int, reason: str
) -> None:
    await lab.server(routes=route(then="refuse", repeat="2", **params))
    alice = await lab.phone("alice")
    call = await alice.dial("sip:100@sems")
    await asyncio.sleep(0.1)
    heard = await alice.hear_all(20)
    assert heard.has_tone(440)
    assert heard.seconds == pytest.approx(4, abs=0.3)
    assert call.answered_at is None
    assert call.end is not None
    assert (call.end.code, call.end.reason) == (code, reason)


async def test_after_an_answer_the_caller_is_sent_elsewhere(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    server = await lab.server(routes=route(then="transfer", to=bob.uri))
    first = await alice.call("sip:100@sems")
    assert (await alice.hear(1.5)).has_tone(440)
    await (await bob.ringing()).answer()
    assert (await first.wait_ended()).cause == "remote"
    bob.tone(900)
    assert (await alice.hear(0.5)).has_tone(900)
    assert not server.calls


async def test_behind_a_proxy_it_goes_on_to_whom_it_is_for(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(trusted=NEIGHBOURS)
    call = await sent_by_a_proxy(lab, alice, "sip:bob@bob", "play=notice")
    ringing = await bob.ringing()
    assert ringing.uri == "sip:bob@bob"
    assert int(ringing.headers["Max-Forwards"]) < 70
    await ringing.answer()
    await call.wait_answered()


async def test_who_calls_by_the_word_of_a_neighbour_is_told_to_neighbours_alone(
    lab: Lab, notice: Path
) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    own = alice.address.partition(":")[0]
    identity = '"Alice A." <sip:+4930123@example.com>'
    for name, trusted, told in (("all", NEIGHBOURS, [identity]), ("her", [f"{own}/32"], [])):
        await lab.server(name=name, trusted=trusted)
        for privacy, caller in (("none", alice.uri), ("id", "sip:anonymous@anonymous.invalid")):
            call = await alice.server.place(
                "sip:bob@bob",
                destination=lab.resolve(name),
                from_uri=alice.uri,
                headers=[
                    ("P-App-Name", "precall"), ("P-Asserted-Identity", identity), ("Privacy", privacy)
                ],
            )  # fmt: skip
            ringing = await bob.ringing()
            assert ringing.headers.all("P-Asserted-Identity") == told
            assert ringing.headers.get("Privacy", "none") == privacy
            assert ringing.caller_uri == caller
            await call.hangup()


async def test_behind_a_proxy_it_goes_on_by_the_rest_of_its_route(lab: Lab, notice: Path) -> None:
    alice, gate = await lab.phone("alice"), await lab.phone("gate")
    server = await lab.server(trusted=NEIGHBOURS)
    ours = f"sip:{lab.resolve('sems')};lr"
    call = await sent_by_a_proxy(
        lab, alice, "sip:bob@nowhere.example", "play=notice", route=[ours, f"sip:{gate.address};lr"]
    )
    ringing = await gate.ringing()
    assert ringing.uri == "sip:bob@nowhere.example"
    assert ringing.headers.all("Route") == [f"<sip:{gate.address};lr>"]
    assert len(server.calls) == 2
    await ringing.answer()
    await call.wait_answered()


async def test_what_would_come_back_is_refused_at_once(lab: Lab, notice: Path) -> None:
    alice = await lab.phone("alice")
    await lab.server(trusted=NEIGHBOURS)
    call = await sent_by_a_proxy(lab, alice, "sip:bob@sems", "play=notice")
    with pytest.raises(CallFailed, match="482 Loop Detected"):
        await call.wait_answered()
    assert not call.early_media


async def test_a_phone_that_is_registered_here_is_no_loop(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(
        trusted=NEIGHBOURS,
        registrar={"enabled": True, "domains": ["sems"]},
        auth={"users": [{"name": "bob", "password": "secret"}]},
    )
    answer = await bob.server.request(
        "REGISTER",
        "sip:bob@sems",
        destination=lab.resolve("sems"),
        from_uri="sip:bob@sems",
        headers=[("Contact", f"<{bob.uri}>"), ("Expires", "600")],
        username="bob",
        password="secret",
    )
    assert answer.code == 200
    call = await sent_by_a_proxy(lab, alice, "sip:bob@sems", "play=notice")
    await (await bob.ringing()).answer()
    await call.wait_answered()


async def test_strangers_reach_only_whom_dialout_allows(
    lab: Lab, notice: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(routes=route(to=bob.uri), trusted=[])
    call = await alice.dial("sip:100@sems")
    with pytest.raises(CallFailed, match="403 Not Called From Here"):
        await call.wait_answered()
    assert not call.early_media
    allowed = {"allow": [bob.uri.replace(".", r"\.")], "room_per_hour": 1}
    await lab.server(name="other", routes=route(to=bob.uri), trusted=[], dialout=allowed)
    call = await alice.dial("sip:100@other")
    await (await bob.ringing()).answer()
    await call.wait_answered()
    await alice.hang_up()
    # Each caller has so many calls.
    call = await alice.dial("sip:100@other")
    with pytest.raises(CallFailed, match="503 Lines Busy"):
        await call.wait_answered()
    assert not [record for record in caplog.records if record.message == "an app failed"]


@pytest.mark.parametrize("trusted", [[], NEIGHBOURS])
async def test_who_is_sent_elsewhere_is_called_there_if_dialout_allows_it(
    lab: Lab, notice: Path, trusted: list[str]
) -> None:
    alice, bob, carol = await lab.phone("alice"), await lab.phone("bob"), await lab.phone("carol")
    for name, allowed in (("strict", [bob]), ("generous", [bob, carol])):
        allow = [phone.uri.replace(".", r"\.") for phone in allowed]
        await lab.server(name=name, routes=route(to=bob.uri), trusted=trusted, dialout={"allow": allow})
    call = await alice.dial("sip:100@strict")
    await (await bob.ringing()).redirect(carol.uri)
    with pytest.raises(CallFailed, match="480"):
        await call.wait_answered()
    assert not carol.server.traced_calls()
    call = await alice.dial("sip:100@generous")
    await (await bob.ringing()).redirect(carol.uri)
    ringing = await carol.ringing()
    assert (ringing.caller_uri, bob.uri in ringing.headers["To"]) == (alice.uri, True)
    await ringing.answer()
    await call.wait_answered()


async def test_a_name_of_the_phone_book_is_called_by_whoever_it_is_asked_for(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    book = {"names": {"desk": bob.uri}}
    for name, trusted in (("known", NEIGHBOURS), ("unknown", [])):
        await lab.server(name=name, routes=route(to="desk"), trusted=trusted, dialout=book)
        call = await alice.dial(f"sip:100@{name}")
        ringing = await bob.ringing()
        assert ringing.caller_uri == alice.uri
        await ringing.answer()
        await call.wait_answered()
        await alice.hang_up()


async def test_a_strangers_route_and_parameters_count_for_nothing(lab: Lab, notice: Path) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(trusted=[], routes=[{"user": "bob", "app": "precall"}])
    ours = f"sip:{lab.resolve('sems')};lr"
    call = await sent_by_a_proxy(
        lab, alice, "sip:bob@bob", f"to={bob.uri}", route=[ours, f"sip:{bob.address};lr"]
    )
    with pytest.raises(CallFailed, match="403"):
        await call.wait_answered()
    assert bob.line is None


async def test_without_an_announcement_the_call_goes_on_all_the_same(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await lab.server(routes=route(to=bob.uri), trusted=NEIGHBOURS)
    call = await alice.dial("sip:100@sems")
    ringing = await bob.ringing()
    assert not call.early_media
    await ringing.answer()
    await call.wait_answered()
    assert "there is no announcement to be played before the call" in caplog.messages


async def test_a_parameter_that_makes_no_sense_is_said(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    await lab.server(routes=route(then="transfer"))
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="500"):
        await alice.call("sip:100@sems")
    assert "parameter then is connect, refuse, or transfer with parameter to" in caplog.messages
