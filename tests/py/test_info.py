"""Keys and packages in INFO (RFC 6086)."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, Call, SipRequest
from sems.testing import Lab, Phone

RELAY = "application/dtmf-relay"


class Keypad:
    """The app ``mine``, and the keys that it was told."""

    def __init__(self) -> None:
        self.keys = ""
        self.packages: list[SipRequest] = []
        self.app = App("mine")
        self.app.call(self._take)
        self.app.info("x-door")(self._on_package)

    async def _take(self, call: Call) -> None:
        await call.answer()
        while True:
            self.keys += await call.digit() or ""

    async def _on_package(self, request: SipRequest) -> None:
        self.packages.append(request)


async def connected(lab: Lab) -> tuple[Keypad, Phone]:
    keypad = Keypad()
    await lab.server(apps=[keypad.app])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    return keypad, alice


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(RELAY, "Signal=5\r\nDuration=160\r\n"), (RELAY, "Signal= 5"), ("application/dtmf", "5")],
)
async def test_a_key_in_an_info_is_a_digit(lab: Lab, content_type: str, body: str) -> None:
    keypad, alice = await connected(lab)
    assert alice.line is not None
    response = await alice.line.request("INFO", body=body, content_type=content_type)
    assert response.code == 200
    await asyncio.sleep(0.1)
    assert keypad.keys == "5"


async def test_keys_can_be_sent_by_info(lab: Lab) -> None:
    keypad, alice = await connected(lab)
    await alice.key("12*#AD", method="info")
    await asyncio.sleep(0.1)
    assert keypad.keys == "12*#AD"


async def test_a_key_that_comes_both_ways_is_one_digit(lab: Lab) -> None:
    keypad, alice = await connected(lab)
    for key in "1122":
        await asyncio.gather(alice.key(key, method="rtp"), alice.key(key, method="info"))
    await asyncio.sleep(0.5)
    assert keypad.keys == "1122"


async def test_a_body_that_names_no_key_is_refused(lab: Lab) -> None:
    keypad, alice = await connected(lab)
    assert alice.line is not None
    assert (await alice.line.request("INFO", body="Signal=seven", content_type=RELAY)).code == 400
    refusal = await alice.line.request("INFO", body="<xml/>", content_type="application/media_control+xml")
    assert (refusal.code, refusal.headers["Accept"]) == (415, "application/dtmf-relay, application/dtmf")
    assert (await alice.line.request("INFO")).code == 200
    assert (
        await alice.request("INFO", "sip:mine@sems", body="5", content_type="application/dtmf")
    ).code == 481
    assert keypad.keys == ""


async def test_packages_that_an_app_takes_are_named_and_reach_it(lab: Lab) -> None:
    keypad, alice = await connected(lab)
    line = alice.line
    assert line is not None
    assert alice.headers["Recv-Info"] == "x-door"
    response = await line.request("INFO", body="open", headers=[("Info-Package", "X-Door;v=1")])
    assert response.code == 200
    (request,) = keypad.packages
    assert (request.text, request.call is not None, request.answered) == ("open", True, True)
    refusal = await line.request("INFO", body="?", headers=[("Info-Package", "x-window")])
    assert (refusal.code, refusal.headers["Recv-Info"]) == (469, "x-door")


async def test_an_app_can_take_the_rest_of_info_raw(lab: Lab) -> None:
    app = App("mine")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    @app.request("INFO", default=200)
    async def on_info(request: SipRequest) -> None:
        await request.respond(200, body=request.text.upper())

    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    assert (await line.request("INFO", body="picture", content_type="text/x-test")).text == "PICTURE"
    assert (await line.request("INFO", body="5", content_type="application/dtmf")).text == ""
