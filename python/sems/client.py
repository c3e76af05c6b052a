"""A client of the API: what programs elsewhere steer conferences with.

>>> async with Client("https://sems.example.com", token) as sems:
...     await sems.change_participant("standup", 2, muted=True)
...     async for event in sems.follow("standup"):
...         print(event.type, event.participant and event.participant.name)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from . import checks
from .control.views import (
    ConferenceList,
    ConferenceView,
    ConnectionEventView,
    ConnectionList,
    ConnectionView,
    Dialled,
    Done,
    EventView,
    Me,
    ParticipantView,
    RecordedList,
    Sent,
)
from .errors import SemsError

_T = TypeVar("_T", bound=BaseModel)

#: The server says something every five seconds; a line that is silent for longer, in seconds, is dead.
_SILENCE: Final = 15.0
#: Between two attempts to follow again, in seconds.
_PAUSE: Final = 1.0


class ApiError(SemsError):
    """The server did not do what was asked.

    >>> try:
    ...     await sems.conference("nowhere")
    ... except ApiError as error:
    ...     print(error.status, error.detail)
    """

    def __init__(self, status: int, detail: str, code: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        """The HTTP status."""
        self.detail = detail
        """The reason, as a sentence that can be shown to people."""
        self.code = code
        """Where a room refuses: the reason as a name that stays the same, such as ``room_locked``."""


class Client:
    """One server, and one credential: the token of a program, of the operator, or of a participant's link.

    Raises :class:`ApiError` for what is refused, and ``httpx.TransportError`` when the server can't be
    reached.

    >>> async with Client("https://sems.example.com", token) as sems:
    ...     for conference in await sems.conferences():
    ...         await sems.say(conference.name, "We close in five minutes.")
    """

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """``url``: where the pages are, such as ``https://sems.example.com``."""
        checks.text("url", url)
        if not url.startswith(("http://", "https://")):
            raise checks.wrong("url", "where the pages are, such as 'https://sems.example.com'", url)
        checks.text("token", token, empty=False)
        if transport is not None:
            checks.kind("transport", transport, "a transport of httpx, or None", httpx.AsyncBaseTransport)
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/") + "/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=10.0,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    # what is so

    async def me(self) -> Me:
        """Whom the credential stands for, if it is a participant's."""
        return await self._ask(Me, "GET", "/me")

    async def conferences(self) -> list[ConferenceView]:
        """All conferences, or those of the rooms of the token."""
        return (await self._ask(ConferenceList, "GET", "/conferences")).conferences

    async def conference(self, name: str) -> ConferenceView:
        """One conference."""
        return await self._ask(ConferenceView, "GET", _path(name))

    async def participant(self, name: str, participant: int | str) -> ParticipantView:
        """One participant; ``"me"``: the one whose link it is."""
        _check_participant(participant)
        return await self._ask(ParticipantView, "GET", f"{_path(name)}/participants/{participant}")

    async def follow(self, name: str, *, since: int | None = None) -> AsyncIterator[EventView]:
        """Every change in the conference from now on, or from the event after ``since``, each once and in
        order, over lost connections too. Ends when the conference, or the call of the participant, does.

        What is not remembered any more is left out: a jump in ``sequence`` tells so.
        """
        checks.whole("since", since, 0, checks.HIGHEST, none=True)
        async for data in self._follow(f"{_path(name)}/events", since):
            yield EventView.model_validate_json(data)

    async def _follow(self, path: str, last: int | None) -> AsyncIterator[str]:
        """The data of each event that is no snapshot."""
        while True:
            try:
                async for kind, number, data in self._stream(path, last):
                    if number is not None:
                        last = number
                    if kind == "message":
                        yield data
                    elif kind == "ended":
                        return
            except httpx.TransportError:
                pass
            except ApiError as error:
                # Over, or not ours any more. What is merely too often or broken is tried again.
                if error.status in (404, 410):
                    return
                if error.status < 500 and error.status != 429:
                    raise
            await asyncio.sleep(_PAUSE)

    # what is asked for

    async def change_conference(self, name: str, **wish: Any) -> Done:
        """Changes what holds in the room: ``locked=True``, ``mode="moderated"`` and the other fields of
        ``ConferenceWish``."""
        return await self._ask(Done, "PATCH", _path(name), wish)

    async def change_participant(self, name: str, participant: int | str, **wish: Any) -> Done:
        """Changes what is so of a participant: ``muted=True``, ``hand=True``, ``floor=True`` and the other
        fields of ``ParticipantWish``."""
        _check_participant(participant)
        return await self._ask(Done, "PATCH", f"{_path(name)}/participants/{participant}", wish)

    async def remove(self, name: str, participant: int | str) -> Done:
        """Removes a participant, or turns away one who waits."""
        _check_participant(participant)
        return await self._ask(Done, "DELETE", f"{_path(name)}/participants/{participant}")

    async def admit(self, name: str, participant: int | None = None) -> Done:
        """Lets in one who waits; ``None``: all."""
        checks.whole("participant", participant, 0, checks.HIGHEST, none=True)
        who = "" if participant is None else f"/participants/{participant}"
        return await self._ask(Done, "POST", f"{_path(name)}{who}/admit")

    async def say(self, name: str, text: str, *, to: list[int] | None = None) -> Sent:
        """Writes to all, or to these participants."""
        checks.text("text", text, lines=True)
        if to is not None:
            checks.kind("to", to, "a list of numbers of participants, or None", list, tuple)
            for one in to:
                checks.whole("each of to", one, 0, checks.HIGHEST)
        wish = {"text": text} if to is None else {"text": text, "to": to}
        return await self._ask(Sent, "POST", f"{_path(name)}/messages", wish)

    async def dial(self, name: str, target: str, *, shown: str | None = None) -> Dialled:
        """Calls somebody into the conference: a name, a number or an address. ``shown``: what others see of
        him."""
        checks.text("target", target, empty=False)
        checks.text("shown", shown, none=True)
        wish = {"target": target} if shown is None else {"target": target, "name": shown}
        return await self._ask(Dialled, "POST", f"{_path(name)}/calls", wish)

    async def cancel_call(self, name: str, call: int) -> Done:
        """Takes a call back; one that has come to nothing is forgotten."""
        checks.whole("call", call, 0, checks.HIGHEST)
        return await self._ask(Done, "DELETE", f"{_path(name)}/calls/{call}")

    async def redial(self, name: str, call: int) -> Done:
        """Calls again who was called in vain."""
        checks.whole("call", call, 0, checks.HIGHEST)
        return await self._ask(Done, "POST", f"{_path(name)}/calls/{call}/redial")

    async def connect(self, first: str, to: str | None = None, **wish: Any) -> ConnectionView:
        """Calls ``first``, then ``to``, and puts them through to each other; with ``room=`` or ``service=``
        (and ``params=``) in place of ``to`` calls ``first`` back there. ``early``, ``name``, ``timeout`` and
        ``language`` as in ``ConnectionWish``. Returns at once.

        >>> connection = await sems.connect("anna", "+49301234567")
        >>> async for event in sems.follow_connection(connection.id):
        ...     print(event.connection.state)
        """
        checks.text("first", first, empty=False)
        checks.text("to", to, none=True)
        other = {} if to is None else {"to": to}
        return await self._ask(ConnectionView, "POST", "/connections", {"from": first, **other, **wish})

    async def connections(self) -> list[ConnectionView]:
        """Those that go on, and those that ended within ten minutes."""
        return (await self._ask(ConnectionList, "GET", "/connections")).connections

    async def connection(self, id: int) -> ConnectionView:
        """One of them."""
        checks.whole("id", id, 0, checks.HIGHEST)
        return await self._ask(ConnectionView, "GET", f"/connections/{id}")

    async def end_connection(self, id: int) -> ConnectionView:
        """Takes it back, or hangs up on both."""
        checks.whole("id", id, 0, checks.HIGHEST)
        return await self._ask(ConnectionView, "DELETE", f"/connections/{id}")

    async def follow_connection(
        self, id: int | None = None, *, since: int | None = None
    ) -> AsyncIterator[ConnectionEventView]:
        """Every change of one, from its beginning until it is over, or with ``None`` of all from now on; else
        as :meth:`follow`."""
        checks.whole("id", id, 0, checks.HIGHEST, none=True)
        checks.whole("since", since, 0, checks.HIGHEST, none=True)
        if since is None and id is not None:
            # Its id is the number of its first event.
            since = id - 1
        path = "/connections" if id is None else f"/connections/{id}"
        async for data in self._follow(f"{path}/events", since):
            yield ConnectionEventView.model_validate_json(data)

    async def record(self, name: str, state: str, *, kind: str = "mix") -> Done:
        """``recording``, ``paused`` or ``off``; ``kind``: ``mix`` or ``members``."""
        checks.one_of("state", state, "recording", "paused", "off")
        checks.one_of("kind", kind, "mix", "members")
        return await self._ask(Done, "PATCH", f"{_path(name)}/recording", {"state": state, "kind": kind})

    async def recordings(self, name: str) -> RecordedList:
        """What was recorded."""
        return await self._ask(RecordedList, "GET", f"{_path(name)}/recordings")

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Anything that the OpenAPI document of the server names, ``path`` below ``/api/v1``: the answer
        as JSON."""
        checks.token("method", method, "a method of HTTP, such as 'GET'")
        checks.text("path", path)
        if not path.startswith("/"):
            raise checks.wrong("path", "what the document names, such as '/conferences'", path)
        try:
            json.dumps(body)
        except (TypeError, ValueError, RecursionError):
            raise checks.wrong("body", "what JSON can hold", body, TypeError) from None
        response = await self._http.request(method, path, json=body)
        _check(response.status_code, response.content)
        return response.json()

    async def _ask(self, kind: type[_T], method: str, path: str, body: Any = None) -> _T:
        return kind.model_validate(await self.ask(method, path, body))

    async def _stream(self, path: str, last: int | None) -> AsyncIterator[tuple[str, int | None, str]]:
        """Kind, number and data of each event of one connection."""
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        timeout = httpx.Timeout(10.0, read=_SILENCE)
        async with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            if response.status_code != 200:
                _check(response.status_code, await response.aread())
            kind, number, data = "message", None, ""
            async for line in response.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    kind = value
                elif field == "id":
                    number = int(value)
                elif field == "data":
                    data = value
                elif not line:
                    if data:
                        yield kind, number, data
                    kind, number, data = "message", None, ""


def _check_participant(participant: int | str) -> None:
    if isinstance(participant, str):
        checks.text("participant", participant, empty=False)
    else:
        checks.whole("participant", participant, 0, checks.HIGHEST)


def _path(name: str) -> str:
    checks.text("name", name, empty=False)
    return f"/conferences/{quote(name, safe='')}"


def _check(status: int, content: bytes) -> None:
    if status < 400:
        return
    try:
        problem = json.loads(content)
        raise ApiError(status, str(problem["detail"]), problem.get("code"))
    except (ValueError, KeyError, TypeError):
        raise ApiError(status, f"The server answered with HTTP {status}.") from None
