"""Click to dial and call back: two who are called and put through to each other by a program."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sems import App, Call, Server
from sems.client import Client
from sems.testing import Lab, Phone

from .conftest import OPERATOR
from .web import Stream, client

PATH = "/api/v1/connections"
TOKENS = [
    {"name": "crm", "token": "crm-token-of-16-characters", "scope": "operator"},
    {"name": "room", "token": "room-token-of-16-characters", "rooms": ["standup"]},
]


class Desk:
    """A server, two phones, and a program."""

    def __init__(self, lab: Lab, server: Server, anna: Phone, ben: Phone) -> None:
        self.lab, self.server, self.anna, self.ben = lab, server, anna, ben
        self.web: httpx.AsyncClient = client(server, OPERATOR)

    async def connect(self, **wish: Any) -> dict[str, Any]:
        response = await self.web.post(PATH, json={"from": self.anna.uri, **wish})
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def look(self, id: int) -> dict[str, Any]:
        return dict((await self.web.get(f"{PATH}/{id}")).json())

    def follow(self, place: str = "", since: int | None = None) -> Stream:
        assert self.server.web_app is not None
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        if since is not None:
            headers["Last-Event-ID"] = str(since)
        return Stream(self.server.web_app, f"{PATH}{place}/events", headers)


@pytest_asyncio.fixture
async def desk(lab: Lab) -> AsyncIterator[Desk]:
    server = await lab.server(
        operator={"token": OPERATOR}, dialout={"allow": ["sip:.*"]}, api={"tokens": TOKENS}
    )
    desk = Desk(lab, server, await lab.phone("anna"), await lab.phone("ben"))
    yield desk
    await desk.web.aclose()


def sides(connection: dict[str, Any]) -> tuple[str, str, str]:
    return connection["state"], connection["from"]["state"], connection["to"]["state"]


async def told_of(stream: Stream) -> dict[str, Any]:
    return dict((await stream.next()).data["connection"])


async def test_first_one_is_called_then_the_other_and_they_hear_each_other(desk: Desk) -> None:
    made = await desk.connect(to=desk.ben.uri)
    assert sides(made) == ("calling", "waiting", "waiting")
    async with desk.follow(f"/{made['id']}", since=made["id"] - 1) as stream:
        assert sides(await told_of(stream)) == ("calling", "waiting", "waiting")
        anna = await desk.anna.ringing()
        # Whom she will speak with.
        assert anna.caller_name == "ben"
        told = [sides(await told_of(stream)) for _ in range(2)]
        assert told == [("calling", "calling", "waiting"), ("calling", "ringing", "waiting")]
        await anna.answer()
        ben = await desk.ben.ringing()
        assert ben.caller_name == "anna"
        told = [sides(await told_of(stream)) for _ in range(4)]
        assert told == [
            ("calling", "answered", "waiting"), ("connecting", "answered", "waiting"),
            ("connecting", "answered", "calling"), ("connecting", "answered", "ringing"),
        ]  # fmt: skip
        assert (await desk.anna.hear(1)).has_tone(440), "she hears that it rings"
        await ben.answer()
        told = [sides(await told_of(stream)) for _ in range(2)]
        assert told[-1] == ("connected", "answered", "answered")
        desk.anna.tone(700)
        desk.ben.tone(1100)
        await asyncio.sleep(0.5)
        heard = await asyncio.gather(desk.anna.hear(0.5), desk.ben.hear(0.5))
        assert heard[0].has_tone(1100)
        assert heard[1].has_tone(700)
        await desk.ben.hang_up()
        await desk.anna.ended()
        last = [await told_of(stream) for _ in range(2)][-1]
        assert sides(last) == ("ended", "ended", "ended")
        assert last["ended"] >= last["connected"] >= last["began"]
        assert (await stream.next("ended")).data == {"reason": "ended"}
        assert stream.over
    assert not desk.server.calls


async def test_who_asks_for_it_has_both_ring_at_once(desk: Desk) -> None:
    made = await desk.connect(to=desk.ben.uri, early=True)
    anna = await desk.anna.ringing()
    ben = await desk.ben.ringing()
    await asyncio.sleep(0.2)
    assert sides(await desk.look(made["id"])) == ("calling", "ringing", "ringing")
    await ben.answer()
    assert (await desk.ben.hear(1)).has_tone(440), "who was faster hears that it rings"
    await anna.answer()
    await asyncio.sleep(0.5)
    assert sides(await desk.look(made["id"])) == ("connected", "answered", "answered")
    desk.anna.tone(700)
    await asyncio.sleep(0.5)
    assert (await desk.ben.hear(0.5)).has_tone(700)
    await desk.anna.hang_up()
    await desk.ben.ended()
    await asyncio.sleep(0.1)
    assert sides(await desk.look(made["id"])) == ("ended", "ended", "ended")


@pytest.mark.parametrize("early", [False, True])
async def test_of_a_call_in_vain_the_code_is_told_and_the_first_hears_it(desk: Desk, early: bool) -> None:
    made = await desk.connect(to=desk.ben.uri, early=early)
    await (await desk.anna.ringing()).answer()
    ben = await desk.ben.ringing()
    await asyncio.sleep(0.5)
    heard = asyncio.create_task(desk.anna.hear_all())
    await ben.reject(486)
    await desk.anna.ended()
    assert not (await heard).is_silent
    await asyncio.sleep(0.1)
    failed = await desk.look(made["id"])
    assert sides(failed) == ("failed", "ended", "failed")
    assert (failed["to"]["code"], failed["to"]["reason"]) == (486, "Busy Here")


async def test_when_the_first_refuses_the_second_is_never_called(desk: Desk) -> None:
    made = await desk.connect(to=desk.ben.uri)
    await (await desk.anna.ringing()).reject(603)
    await asyncio.sleep(0.5)
    failed = await desk.look(made["id"])
    assert sides(failed) == ("failed", "failed", "failed")
    assert (failed["from"]["code"], failed["to"]["code"]) == (603, 487)
    assert failed["to"]["call"] is None


async def test_who_does_not_answer_in_time_is_called_no_more(desk: Desk) -> None:
    made = await desk.connect(to=desk.ben.uri, timeout=5)
    anna = await desk.anna.ringing()
    assert (await anna.wait_ended()).cause == "cancelled"
    await asyncio.sleep(0.2)
    failed = await desk.look(made["id"])
    assert (failed["state"], failed["from"]["code"]) == ("failed", 408)


@pytest.mark.parametrize("early", [False, True])
async def test_who_hangs_up_before_the_other_answers_ends_it(desk: Desk, early: bool) -> None:
    made = await desk.connect(to=desk.ben.uri, early=early)
    await (await desk.anna.ringing()).answer()
    ben = await desk.ben.ringing()
    await asyncio.sleep(0.5)
    await desk.anna.hang_up()
    assert (await ben.wait_ended()).cause == "cancelled"
    await asyncio.sleep(0.1)
    failed = await desk.look(made["id"])
    assert sides(failed) == ("failed", "ended", "failed")
    assert (failed["to"]["code"], failed["to"]["reason"]) == (487, "the other party hung up before")


@pytest.mark.parametrize("moment", ["at once", "ringing", "connecting", "connected"])
async def test_it_is_taken_back_at_any_time(desk: Desk, moment: str) -> None:
    made = await desk.connect(to=desk.ben.uri)
    if moment != "at once":
        anna = await desk.anna.ringing()
        if moment != "ringing":
            await anna.answer()
            ben = await desk.ben.ringing()
            if moment == "connected":
                await ben.answer()
        await asyncio.sleep(0.2)
    response = await desk.web.delete(f"{PATH}/{made['id']}")
    assert (response.status_code, response.json()["state"]) == (200, "cancelled")
    again = await desk.web.delete(f"{PATH}/{made['id']}")
    assert again.json() == response.json()
    await asyncio.sleep(1)
    assert not desk.server.calls
    for phone in (desk.anna, desk.ben):
        assert not phone.server.calls


async def test_one_is_called_back_into_a_room_with_the_link_to_his_page(desk: Desk) -> None:
    made = await desk.connect(room="standup", name="The weekly")
    assert made["to"] is None
    anna = await desk.anna.ringing()
    assert anna.caller_name == "The weekly"
    await anna.answer()
    await asyncio.sleep(0.5)
    conference = desk.server.conferences.find("standup")
    assert conference is not None
    assert [each.presence for each in conference.model.participants.values()] == ["dialled"]
    assert conference.members[1].page in anna.headers["Call-Info"]
    looked = await desk.look(made["id"])
    assert (looked["state"], looked["room"], looked["from"]["state"]) == ("connected", "standup", "answered")
    await desk.anna.hang_up()
    await asyncio.sleep(0.2)
    assert (await desk.look(made["id"]))["state"] == "ended"


async def test_one_is_called_back_to_a_service_with_its_parameters(lab: Lab) -> None:
    app = App("greeter")
    served: list[tuple[str, str]] = []

    @app.call
    async def greet(call: Call) -> None:
        await call.answer()
        served.append((call.params["who"], call.direction))
        await call.sleep(1)

    server = await lab.server(apps=[app], operator={"token": OPERATOR}, dialout={"allow": ["*"]})
    desk = Desk(lab, server, await lab.phone("anna"), await lab.phone("ben"))
    made = await desk.connect(service="greeter", params={"who": "Anna"})
    await (await desk.anna.ringing()).answer()
    await desk.anna.ended()
    assert served == [("Anna", "out")]
    await asyncio.sleep(0.1)
    assert (await desk.look(made["id"]))["state"] == "ended"


@pytest.mark.parametrize("early", [False, True])
async def test_who_is_sent_elsewhere_is_called_there(desk: Desk, early: bool) -> None:
    carl, dora = await desk.lab.phone("carl"), await desk.lab.phone("dora")
    made = await desk.connect(to=desk.ben.uri, early=early)
    await (await desk.anna.ringing()).redirect(carl.uri)
    one = await carl.ringing()
    assert (one.caller_name, desk.anna.uri in one.headers["To"]) == ("ben", True)
    await one.answer()
    await (await desk.ben.ringing()).redirect(dora.uri)
    other = await dora.ringing()
    await asyncio.sleep(0.1)
    assert sides(await desk.look(made["id"]))[1:] == ("answered", "ringing")
    await other.answer()
    carl.tone(700)
    await asyncio.sleep(0.5)
    assert (await dora.hear(0.5)).has_tone(700)
    assert sides(await desk.look(made["id"])) == ("connected", "answered", "answered")
    await dora.hang_up()
    await carl.ended()


@pytest.mark.parametrize("side", ["from", "to"])
async def test_nobody_is_sent_to_whom_dialout_does_not_allow(lab: Lab, side: str) -> None:
    carl, dora = await lab.phone("carl"), await lab.phone("dora")
    allowed = {"allow": ["sip:anna@.*", "sip:ben@.*", carl.uri.replace(".", r"\.")]}
    server = await lab.server(operator={"token": OPERATOR}, dialout=allowed)
    desk = Desk(lab, server, await lab.phone("anna"), await lab.phone("ben"))
    made = await desk.connect(to=desk.ben.uri)
    anna = await desk.anna.ringing()
    if side == "to":
        await anna.answer()
    # Ten addresses of his own would not be better than one.
    await (anna if side == "from" else await desk.ben.ringing()).redirect(dora.uri, carl.uri)
    ringing = await carl.ringing()
    await ringing.redirect(dora.uri)
    await asyncio.sleep(5)
    failed = await desk.look(made["id"])
    assert (failed["state"], failed[side]["state"], failed[side]["code"]) == ("failed", "failed", 302)
    assert not dora.server.traced_calls()
    await desk.web.aclose()


async def test_the_page_is_that_of_who_takes_the_call_and_not_of_who_sends_it_on(desk: Desk) -> None:
    carl = await desk.lab.phone("carl")
    await desk.connect(room="standup")
    anna = await desk.anna.ringing()
    await anna.redirect(carl.uri)
    one = await carl.ringing()
    await one.answer()
    await asyncio.sleep(0.5)
    conference = desk.server.conferences.find("standup")
    assert conference is not None
    (member,) = conference.members.values()
    assert member.page in one.headers["Call-Info"]
    assert member.page not in anna.headers["Call-Info"]
    for call, status in ((one, 200), (anna, 410)):
        link = re.search(r"/c/([\w-]+)", call.headers["Call-Info"])
        assert link
        async with client(desk.server) as web:
            assert (await web.get(link[0])).status_code == status
    await carl.hang_up()
    await asyncio.sleep(0.2)
    assert not desk.server.conferences.links._members


async def test_a_reader_who_comes_back_is_told_what_he_missed_and_a_stranger_all(desk: Desk) -> None:
    made = await desk.connect(to=desk.ben.uri)
    await desk.anna.ringing()
    await asyncio.sleep(0.2)
    async with desk.follow() as stream:
        snapshot = await stream.next("snapshot")
        assert [each["id"] for each in snapshot.data["connections"]] == [made["id"]]
        assert snapshot.id == str(snapshot.data["sequence"])
    await desk.web.delete(f"{PATH}/{made['id']}")
    async with desk.follow(since=snapshot.data["sequence"]) as stream:
        told = await stream.next()
        assert told.data["type"] == "connection_changed"
        assert told.data["connection"]["state"] == "cancelled"
        assert told.id == str(snapshot.data["sequence"] + 1)
    async with desk.follow(since=5) as stream:
        assert (await stream.next()).name == "snapshot"


@pytest.mark.parametrize(
    ("wish", "status", "words"),
    [
        ({}, 422, "from"),
        ({"from": "sip:x@10.0.0.1"}, 422, "One of"),
        ({"from": "sip:x@10.0.0.1", "to": "sip:y@10.0.0.1", "room": "z"}, 422, "One of"),
        ({"from": "sip:x@10.0.0.1", "room": "z", "early": True}, 422, "early"),
        ({"from": "sip:x@10.0.0.1", "room": "z", "params": {"a": "b"}}, 422, "params"),
        ({"from": "sip:x@10.0.0.1", "service": "nothing"}, 422, "no service"),
        ({"from": "sip:x@10.0.0.1;maddr=1.2.3.4", "room": "z"}, 422, "parameters"),
        ({"from": "12345", "room": "z"}, 422, "addresses"),
        ({"from": "sip:x@10.0.0.1", "to": "sips:y@10.0.0.1"}, 403, "not allowed"),
        ({"from": "sip:x@10.0.0.1", "room": "z", "timeout": 0}, 422, "timeout"),
        ({"from": "sip:x@10.0.0.1", "room": "z", "nonsense": 1}, 422, "nonsense"),
    ],
)
async def test_what_makes_no_sense_or_is_not_allowed_is_refused_in_a_sentence(
    desk: Desk, wish: dict[str, Any], status: int, words: str
) -> None:
    response = await desk.web.post(PATH, json=wish)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert words in response.json()["detail"]
    assert (await desk.web.get(PATH)).json()["connections"] == []


@pytest.mark.parametrize("id", ["77", "x", "-1", "9" * 30, "..%2F"])
async def test_a_connection_that_nobody_knows_is_not_found(desk: Desk, id: str) -> None:
    for method, place in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
        response = await desk.web.request(method, f"{PATH}/{id}{place}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("token", "status"),
    [(OPERATOR, 200), (TOKENS[0]["token"], 200), (TOKENS[1]["token"], 403), ("x", 401), (None, 401)],
)
async def test_only_the_operator_and_programs_with_his_scope_connect(
    desk: Desk, token: str | None, status: int
) -> None:
    async with client(desk.server, token) as web:
        asked = [
            await web.post(PATH, json={"from": desk.anna.uri, "room": "standup"}),
            await web.get(PATH),
        ]
    assert [each.status_code for each in asked] == [status] * 2


async def test_a_participant_connects_nobody(desk: Desk) -> None:
    await desk.anna.call("sip:standup@sems")
    assert desk.anna.link
    async with client(desk.server, desk.anna.link.rpartition("/")[2]) as web:
        response = await web.post(PATH, json={"from": desk.ben.uri, "room": "standup"})
    assert response.status_code == 403


async def test_as_many_are_called_as_dialout_says(lab: Lab) -> None:
    dialout = {"allow": ["*"], "room_concurrent": 3}
    server = await lab.server(operator={"token": OPERATOR}, dialout=dialout)
    desk = Desk(lab, server, await lab.phone("anna"), await lab.phone("ben"))
    made = [await desk.connect(to=desk.ben.uri) for _ in range(3)]
    response = await desk.web.post(PATH, json={"from": desk.anna.uri, "to": desk.ben.uri})
    assert response.status_code == 409
    assert "busy" in response.json()["detail"]
    # The first answers, and there is no line left for whom he wants.
    await (await desk.anna.ringing()).answer()
    await asyncio.sleep(3)
    failed = await desk.look(made[0]["id"])
    assert (failed["state"], failed["to"]["code"], failed["to"]["call"]) == ("failed", 503, None)
    for each in made:
        await desk.web.delete(f"{PATH}/{each['id']}")
    assert (await desk.connect(to=desk.ben.uri))["state"] == "calling"


async def test_by_default_no_other_machine_is_called(lab: Lab) -> None:
    server = await lab.server(operator={"token": OPERATOR})
    anna = await lab.phone("anna")
    async with client(server, OPERATOR) as web:
        response = await web.post(PATH, json={"from": anna.uri, "room": "standup"})
    assert response.status_code == 403
    assert not server.calls


async def test_who_calls_and_with_which_password_is_as_for_rooms(lab: Lab) -> None:
    dialout = {"allow": ["sip:.*"], "caller": '"Sales" <sip:sales@example.com>'}
    server = await lab.server(operator={"token": OPERATOR}, dialout=dialout)
    desk = Desk(lab, server, await lab.phone("anna"), await lab.phone("ben"))
    await desk.connect(to=desk.ben.uri)
    anna = await desk.anna.ringing()
    assert (anna.caller_name, anna.caller_uri) == ("Sales", "sip:sales@example.com")
    await anna.answer()
    ben = await desk.ben.ringing()
    assert (ben.caller_name, ben.caller_uri) == ("Sales", "sip:sales@example.com")


async def test_a_program_connects_and_follows_with_the_typed_client(desk: Desk) -> None:
    assert desk.server.web_app is not None
    transport = httpx.ASGITransport(desk.server.web_app)
    async with Client("http://sems.test", OPERATOR, transport=transport) as sems:
        made = await sems.connect(desk.anna.uri, desk.ben.uri, timeout=20)
        await (await desk.anna.ringing()).reject(486)
        await asyncio.sleep(0.2)
        states = [each.connection.state async for each in sems.follow_connection(made.id)]
        assert (states[0], states[-1]) == ("calling", "failed")
        assert (await sems.connection(made.id)).first.code == 486
        assert [each.id for each in await sems.connections()] == [made.id]
        assert (await sems.end_connection(made.id)).state == "failed"


async def test_when_the_server_stops_nothing_is_left_of_it(desk: Desk) -> None:
    await desk.connect(to=desk.ben.uri)
    anna = await desk.anna.ringing()
    await desk.server.stop()
    await anna.wait_ended()
    assert [each.over for each in desk.server.connections] == [True]


PAGE = Path(__file__).parents[3] / "docs" / "connecting.md"


async def test_the_program_of_the_documentation_tells_what_became_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)
    assert desk.server.web_app is not None
    transport = httpx.ASGITransport(desk.server.web_app)
    monkeypatch.setitem(names, "Client", lambda url, token: Client(url, token, transport=transport))
    # What is read of a stream without a network is read when it is over.
    became = asyncio.create_task(names["connect"]("http://sems", OPERATOR, desk.anna.uri, desk.ben.uri))
    await (await desk.anna.ringing()).answer()
    await (await desk.ben.ringing()).answer()
    await asyncio.sleep(0.5)
    await desk.ben.hang_up()
    assert await became == "ended"


async def test_the_documentation_has_every_request_wish_and_state(desk: Desk) -> None:
    described = (await desk.web.get("/api/v1/openapi.json")).json()
    page = PAGE.read_text()
    for path, methods in described["paths"].items():
        if path.startswith("/connections"):
            short = path.replace("{connection}", "ID")
            assert all(f"| `{method.upper()} /api/v1{short}` |" in page for method in methods), path
    schemas = described["components"]["schemas"]
    for wish in schemas["ConnectionWish"]["properties"]:
        assert wish == "params" or f"| `{wish}` |" in page, wish
    for state in schemas["State"]["enum"]:
        assert f"| `{state}` |" in page, state
