"""The API against its own OpenAPI document: whatever comes, by whomever, it answers as the document says."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import unquote
from zlib import crc32

import pytest
from jsonschema import Draft202012Validator
from starlette.types import Message

from mailbox_contract import leave
from odd_requests import Odd, Part, choose, drawn, odd_requests, operations, sweep
from sems import Server
from sems.conference import (
    AskToTalk,
    Conference,
    Dial,
    Gather,
    Mode,
    Readmit,
    Record,
    Say,
    SetMaxMembers,
    SetMode,
    SetModeratorPin,
    SetPin,
    SetWaitForModerator,
    SetWaitingRoom,
    StopRecording,
    Unlock,
)
from sems.control.auth import COOKIE
from sems.testing import Lab, Phone

from .conftest import OPERATOR
from .web import client, token_of

#: How much is tried of each operation; `make proof` tries more.
EXAMPLES = int(os.environ.get("SEMS_API_EXAMPLES", "8"))
#: From so many on, everything odd is also tried in every place.
THOROUGH = 100

ROOMS, OTHERS, ALL = "token-for-these-rooms", "token-for-other-rooms", "token-for-everything"
#: Who is in which room, with which header fields.
CAST = {
    "anna": ("standup", "moderator"), "ben": ("standup", "speaker"), "cleo": ("standup", "listener"),
    "mona": ("hall", "moderator"), "zoe": ("hall", "speaker"), "paul": ("vault", "speaker"),
    "otto": ("retro", "moderator"),
}  # fmt: skip
LINKS = {
    "moderator": "anna", "speaker": "ben", "listener": "cleo", "waiting": "zoe", "early": "paul",
    "ended": "gone",
    "elsewhere": "otto",
}  # fmt: skip


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class House:
    """Rooms in all states: with members, with one who waits, with one at the door, with a call under way; and
    one in which nobody is."""

    lab: Lab
    server: Server
    phones: dict[str, Phone] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    recordings: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    secret: str = ""

    def room(self, name: str) -> Conference | None:
        return self.server.conferences.find(name)

    async def build(self) -> None:
        gone = await self.lab.phone("gone")
        self.phones = {name: await self.lab.phone(name) for name in CAST}
        self.phones["dora"] = await self.lab.phone("dora")
        await gone.call("sip:retro@sems")
        await asyncio.sleep(0.1)
        self.tokens["gone"] = token_of(gone)
        await gone.hang_up()
        await self.mend()
        standup = self.room("standup")
        assert standup
        standup.do(Record(0.0), by=None)
        await asyncio.sleep(0.5)
        standup.do(StopRecording(), by=None)
        await asyncio.sleep(0.5)
        self.messages = [(await leave(self.server.mailboxes, "anna", 1.0)).id for _ in range(3)]
        async with client(self.server) as browser:
            self.secret = (await browser.post("/api/v1/pairings")).json()["secret"]
            logged_in = await browser.post("/operator", data={"token": OPERATOR})
            self.tokens["cookie"] = logged_in.cookies[COOKIE]
        self.recordings = [each.id for each in self.server.conferences.archive.of("standup")]

    async def mend(self) -> None:
        """All is again as it was, as far as that can be."""
        if self._is_whole():
            return
        for conference in self.server.conferences:
            open_again = [Unlock(), SetMaxMembers(None), SetPin(None), SetModeratorPin(None), Gather()]
            conference.do(
                *open_again, SetMode(Mode.OPEN), SetWaitingRoom(False), SetWaitForModerator(False), by=None
            )
            for id in list(conference.model.removed):
                conference.do(Readmit(id), by=None)
        for name, (room, role) in CAST.items():
            phone = self.phones[name]
            if phone.line is not None and phone.line.end is None:
                continue
            if name == "zoe" and (hall := self.room("hall")):
                hall.do(SetWaitingRoom(True), by=None)
            header = ("P-App-Param", f"role={role}" + (";pin=2580" if name == "paul" else ""))
            if name == "paul":
                await phone.dial(f"sip:{room}@sems", headers=[header])
                await asyncio.sleep(1)
            else:
                await phone.call(f"sip:{room}@sems", headers=[header])
                await asyncio.sleep(0.1)
            self.tokens[name] = token_of(phone)
        standup = self.room("standup")
        assert standup
        model = standup.model
        if not model.calls:
            standup.do(Dial(self.phones["dora"].uri, "Dora"), by=1 if 1 in model.participants else None)
        if not model.messages:
            standup.do(Say("Hello", at=0.0), by=None)
        first, *others = model.participants
        if not model.talks and others:
            standup.do(AskToTalk((others[0],)), by=first)
        await asyncio.sleep(0.2)

    def _is_whole(self) -> bool:
        up = all(self.phones[name].line is not None and self.phones[name].line.end is None for name in CAST)
        models = {each.name: each.model for each in self.server.conferences}
        if not up or "standup" not in models:
            return False
        there_is_all = all(each for each in (models["standup"].calls, models["standup"].messages))
        as_ever = all(
            not each.removed and (each.settings.mode, each.settings.locked) == (Mode.OPEN, False)
            for each in models.values()
        )
        return there_is_all and as_ever and bool(models["standup"].talks)

    def there_is(self, operation: str, parameter: str) -> list[str]:
        """What can stand in this place of the path."""
        standup, path = self.room("standup"), operation.partition(" ")[2]
        model = standup.model if standup else None
        match parameter:
            case "name":
                return ["standup", "standup", "standup", "hall", "vault", "retro", "nobody"]
            case "participant":
                return ["me", *(str(id) for id in (*(model.participants if model else ()), 1, 99))]
            case "talk":
                return [str(id) for id in (*(model.talks if model else ()), 1, 10**15)]
            case "call" if path.startswith("/conferences"):
                return [str(id) for id in (*(model.calls if model else ()), 1)]
            case "call":
                ids = [id for id in self.server.calls if id is not None]
                return [*(str(id) for id in ids[:5]), "0", "no-such-call-id"]
            case "id" if path.startswith("/boxes"):
                return [*self.messages, "0"]
            case "id":
                return [*self.recordings, "20261126T070000-00000000", "0"]
            case "box":
                return ["anna", "100", "default", "nobody"]
            case "connection":
                return [*(str(each.id) for each in self.server.connections), "0", "1"]
            case "secret":
                return [self.secret, "not-a-secret"]
        raise AssertionError(f"the fuzz knows nothing that is called {parameter}")

    def sequences(self) -> dict[str, int]:
        """How far each room has come."""
        found = {each.name: each.model.sequence for each in self.server.conferences}
        return {**found, "connections": self.server.connections.sequence}

    async def send(self, odd: Odd) -> Answer:
        """The answer; of a stream what is told at once."""
        segments = [
            (
                choose(self.there_is(odd.operation, each.name), each.choice)
                if isinstance(each.choice, int)
                else each.choice
            )
            if isinstance(each, Part)
            else each
            for each in odd.path
        ]
        credential = {
            **{who: self.tokens[name] for who, name in LINKS.items()},
            "wrong": "not-a-token",
            "rooms": ROOMS,
            "other rooms": OTHERS,
            "everything": ALL,
            "operator": OPERATOR,
        }.get(odd.who)
        headers = [(b"host", b"sems.test"), (b"content-length", str(len(odd.body)).encode())]
        prefix = b"/api/v1/"
        if odd.by_link:
            prefix = f"/c/{credential}/api/v1/".encode()
        elif credential is not None:
            headers.append((b"authorization", f"Bearer {credential}".encode()))
        elif odd.who == "cookie":
            headers.append((b"cookie", f"{COOKIE}={self.tokens['cookie']}".encode()))
        elif odd.who in ("owner", "wrong pin"):
            shown = base64.b64encode(b"anna:2580" if odd.who == "owner" else b"anna:1111")
            headers.append((b"authorization", b"Basic " + shown))
        return await self._exchange(odd, prefix + b"/".join(segments), [*headers, *odd.headers])

    async def _exchange(self, odd: Odd, raw_path: bytes, headers: list[tuple[bytes, bytes]]) -> Answer:
        assert self.server.web_app is not None
        scope = {
            "type": "http", "http_version": "1.1", "method": odd.method, "scheme": "http", "root_path": "",
            "path": unquote(raw_path.decode("latin-1")), "raw_path": raw_path, "query_string": odd.query,
            "headers": headers, "server": ("sems.test", 80), "client": ("127.0.0.1", 9),
        }  # fmt: skip
        answer, gone = Answer(), asyncio.Event()
        size = len(odd.body) // odd.pieces + 1
        pieces = [odd.body[at : at + size] for at in range(0, len(odd.body), size)] or [b""]

        async def receive() -> Message:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
                assert len(answer.headers) == len(message["headers"]), "a header field comes twice"
                if "event-stream" in answer.headers.get("content-type", ""):
                    asyncio.get_running_loop().call_later(0.02, gone.set)
            else:
                answer.body += message.get("body", b"")

        await self.server.web_app(scope, receive, take)
        return answer


class Judge:
    """Says what is wrong with an answer."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def of(self, odd: Odd, answer: Answer) -> str | None:
        """A sentence, or nothing."""
        path = odd.operation.partition(" ")[2]
        known = self._document["paths"][path].get({"HEAD": "get"}.get(odd.method, odd.method.lower()))
        declared = known["responses"].get(str(answer.status)) if known else None
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status >= 500 and answer.status != 503:
            return "the server fails"
        if not odd.is_exact and answer.status in (404, 405):
            # Nothing of the document is meant.
            declared = {"content": {"application/problem+json": {"schema": _PROBLEM}}}
            if answer.status == 405 and "allow" not in answer.headers:
                return "what can be done here is not said"
        if declared is None:
            # There may be another path that it fits, such as one with a name instead of a word.
            return "the document knows no such status" if known else None
        if odd.method == "HEAD":
            # The web server leaves the body away.
            return None
        if "content" not in declared:
            return "there is a body" if answer.body else None
        if kind not in declared["content"]:
            return f"the document knows no {kind or 'body without a type'} here"
        if answer.status >= 400:
            return self._refusal(answer)
        if kind == "application/json":
            schema = {**declared["content"][kind]["schema"], "components": self._document["components"]}
            for error in Draft202012Validator(schema).iter_errors(json.loads(answer.body)):
                return f"the answer does not fit its schema: {error.message}"
        if kind == "text/event-stream" and not answer.body.startswith(b"retry: "):
            return "the stream tells nothing"
        return None

    @staticmethod
    def _refusal(answer: Answer) -> str | None:
        problem = json.loads(answer.body)
        detail = problem.get("detail", "")
        if problem.get("status") != answer.status or not problem.get("title"):
            return "the problem is another than the status"
        if not detail.endswith((".", "?")) or not detail[0].isupper() or len(detail) > 1000:
            return "the reason is no sentence"
        wanted = {401: "www-authenticate", 416: "content-range", 429: "retry-after"}
        if (name := wanted.get(answer.status)) and name not in answer.headers:
            return f"there is no {name}"
        return None


_PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.mark.timeout(3600)
async def test_whatever_is_asked_by_whomever_the_answer_is_one_that_the_document_knows(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    server = await lab.server(
        operator={"token": OPERATOR},
        trusted=["10.0.0.0/8"],
        dialout={"allow": ["sip:.*"], "per_hour": 100_000, "room_per_hour": 100_000},
        api={
            "requests_per_second": 0,
            "tokens": [
                {"name": "rooms", "token": ROOMS, "rooms": ["standup", "hall"]},
                {"name": "others", "token": OTHERS, "rooms": ["elsewhere"]},
                {"name": "all", "token": ALL, "scope": "operator"},
            ],
        },
        boxes={"anna": {"users": ["anna", "100"], "pin": "2580"}},
    )
    house = House(lab, server)
    await house.build()
    async with client(server) as browser:
        document = (await browser.get("/api/v1/openapi.json")).json()
    judge, faults, answers = Judge(document), list[str](), Counter[tuple[str, int]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, found: faults.append(f"asyncio: {found}"))
    everything = [
        odd
        for method, path, operation in operations(document)
        for odd in drawn(
            odd_requests(document, method, path, operation), EXAMPLES, crc32(f"{method} {path}".encode())
        )
    ]
    if EXAMPLES >= THOROUGH:
        everything += [odd for each in operations(document) for odd in sweep(*each)]
    Random(7).shuffle(everything)
    for odd in everything:
        await house.mend()
        for again in (True, False):
            before = house.sequences()
            try:
                answer = await house.send(odd)
            except Exception as error:
                faults.append(f"{error!r}: {odd}")
                break
            answers[odd.who, answer.status] += 1
            if fault := judge.of(odd, answer):
                faults.append(f"{fault}: {answer.status} {answer.body[:300]!r} to {odd}")
            if answer.status < 400 or house.sequences() == before:
                break
            # It can have been something else that came to its end at this moment.
            await asyncio.sleep(0.5)
            if not again:
                faults.append(f"what was refused has changed something: {answer.body!r} to {odd}")
    gc.collect()
    await asyncio.sleep(0.1)
    assert not faults, f"{len(faults)} faults\n" + "\n".join(sorted({each[:700] for each in faults})[:60])
    failures = [each for each in caplog.records if each.exc_info or each.levelno >= logging.ERROR]
    assert not failures
    statuses = Counter({status for _, status in answers})
    assert statuses.keys() >= {200, 204, 401, 403, 404, 405, 409, 410, 413, 415, 422}, answers
    good = sum(many for (_, status), many in answers.items() if status < 400)
    assert good > answers.total() / 20, answers
