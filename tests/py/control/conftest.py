"""What the tests of the control application share: a conference with three phones in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest_asyncio

from sems import Server
from sems.conference import ConferenceModel
from sems.testing import Lab, Phone

from .web import Stream, client, token_of

OPERATOR = "operator-for-tests"


@dataclass
class Meeting:
    """Anna (1, the moderator), Ben (2) and Cleo (3) in the room ``standup``."""

    lab: Lab
    server: Server
    phones: dict[str, Phone]

    @property
    def model(self) -> ConferenceModel:
        conference = self.server.conferences.find("standup")
        assert conference is not None
        return conference.model

    def token(self, who: str) -> str:
        """The credential of one of them, or of the operator."""
        return OPERATOR if who == "operator" else token_of(self.phones[who])

    def client(self, who: str | None) -> httpx.AsyncClient:
        """A program that has the token of one of them, or none."""
        return client(self.server, who and self.token(who))

    def stream(self, who: str, room: str = "standup", **options: object) -> Stream:
        """Follows the room with a token of one of them."""
        return self.follow(f"/api/v1/conferences/{quote(room, safe='')}/events", who, **options)

    def follow(self, url: str, who: str, *, last: str | None = None, slow: bool = False) -> Stream:
        assert self.server.web_app is not None
        headers = {"Authorization": f"Bearer {self.token(who)}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        return Stream(self.server.web_app, url, headers, slow=slow)


@pytest_asyncio.fixture
async def meeting(lab: Lab) -> AsyncIterator[Meeting]:
    server = await lab.server(operator={"token": OPERATOR}, trusted=["10.0.0.0/8"])
    phones = {}
    for name in ("anna", "ben", "cleo"):
        phones[name] = await lab.phone(name)
        await phones[name].call("sip:standup@sems")
    yield Meeting(lab, server, phones)
