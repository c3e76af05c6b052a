"""Telephones that are told of their messages without having asked for it."""

from __future__ import annotations

import asyncio
import re
import wave

from sems import Server
from sems.testing import Lab

BOXES = {"anna": {"users": ["anna"], "unsolicited": True}, "ben": {"users": ["ben"]}}
_ANSWERED = ("Via", "From", "To", "Call-ID", "CSeq")


class Telephone:
    """One of another make, which takes every NOTIFY."""

    def __init__(self, lab: Lab, server: Server, user: str) -> None:
        self.user = user
        self.told: list[str] = []
        """Of each NOTIFY the state of the subscription and how many messages wait."""
        self.route = ""
        """By which the last came."""
        self._server = server.engine.core.sip_addresses()[0]
        self._socket = lab.network.socket("10.9.0.1:5060")
        self._number = 0

    async def says(self, method: str, *fields: str) -> None:
        """Sends a request, and then listens for two seconds."""
        self._number += 1
        lines = [
            f"{method} sip:{self.user}@example.com SIP/2.0",
            f"Via: SIP/2.0/UDP 10.9.0.1:5060;branch=z9hG4bK{self._number};rport",
            f"From: <sip:{self.user}@example.com>;tag={self._number}",
            f"To: <sip:{self.user}@example.com>",
            f"Call-ID: telephone-{self._number}",
            f"CSeq: {self._number} {method}",
            "Max-Forwards: 70",
            f"Contact: <sip:{self.user}@10.9.0.1:5060>",
            "Expires: 600",
            *fields,
            "Content-Length: 0",
        ]
        self._socket.send("\r\n".join([*lines, "", ""]).encode(), self._server)
        await self.listens()

    async def listens(self) -> None:
        for _ in range(200):
            await asyncio.sleep(0.01)
            for message in self._socket.receive():
                head, _, body = message.decode().partition("\r\n\r\n")
                if head.startswith("NOTIFY "):
                    self._take(head, body)

    def _take(self, head: str, body: str) -> None:
        fields = dict(re.findall(r"^([\w-]+): (.*)\r?$", head, re.MULTILINE))
        assert fields["Event"].strip() == "message-summary"
        assert fields["Content-Type"].strip() == "application/simple-message-summary"
        self.route = fields.get("Route", "").strip()
        state = fields["Subscription-State"].partition(";")[0].strip()
        self.told.append(f"{state} {re.search('Voice-Message: (.*)', body)[1].strip()}")  # type: ignore[index]
        rows = [f"{name}: {fields[name].strip()}" for name in _ANSWERED]
        answer = "\r\n".join(["SIP/2.0 200 OK", *rows, "Content-Length: 0", "", ""])
        self._socket.send(answer.encode(), self._server)


async def plugged_in(lab: Lab, user: str) -> tuple[Server, Telephone]:
    server = await lab.server(boxes=BOXES, registrar={"enabled": True, "domains": ["example.com"]})
    telephone = Telephone(lab, server, user)
    await telephone.says("REGISTER")
    return server, telephone


async def leave(server: Server, box: str) -> str:
    draft = await server.mailboxes.begin(box)
    with wave.open(str(draft.path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * 3))
    message = await server.mailboxes.deliver(draft)
    assert message is not None
    return message.id


async def test_a_telephone_is_told_when_it_registers_and_whenever_something_changes(lab: Lab) -> None:
    server, anna = await plugged_in(lab, "anna")
    assert anna.told == ["terminated 0/0 (0/0)"]
    await anna.says("REGISTER")
    assert len(anna.told) == 1, "that it is still there is nothing new"
    message = await leave(server, "anna")
    await anna.listens()
    await server.mailboxes.save("anna", message)
    await anna.listens()
    assert anna.told[1:] == ["terminated 1/0 (0/0)", "terminated 0/1 (0/0)"]


async def test_a_telephone_behind_a_proxy_is_told_through_it(lab: Lab) -> None:
    registrar = {"enabled": True, "domains": ["example.com"]}
    server = await lab.server(boxes=BOXES, registrar=registrar, trusted=["10.9.0.1/32"])
    anna = Telephone(lab, server, "anna")
    await anna.says("REGISTER", "Path: <sip:10.9.0.1;lr>")
    assert (anna.told, anna.route) == (["terminated 0/0 (0/0)"], "<sip:10.9.0.1;lr>")


async def test_a_telephone_whose_box_does_not_want_it_is_left_alone(lab: Lab) -> None:
    server, ben = await plugged_in(lab, "ben")
    await leave(server, "ben")
    await ben.listens()
    assert ben.told == []


async def test_who_has_subscribed_is_told_once(lab: Lab) -> None:
    server, anna = await plugged_in(lab, "anna")
    await anna.says("SUBSCRIBE", "Event: message-summary")
    assert anna.told[1:] == ["active 0/0 (0/0)"]
    await leave(server, "anna")
    await anna.listens()
    assert anna.told[2:] == ["active 1/0 (0/0)"]


async def test_a_telephone_that_is_gone_is_not_waited_for(lab: Lab) -> None:
    server, anna = await plugged_in(lab, "anna")
    await leave(server, "anna")
    # Nobody answers for longer than a transaction lasts.
    await asyncio.sleep(40)
    assert len(anna.told) == 1
    await leave(server, "anna")
    await anna.listens()
    assert anna.told[-1] == "terminated 2/0 (0/0)"
