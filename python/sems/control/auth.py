"""Who asks: a participant by his link, or the operator by his token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from ..conference import Conference, Member, NotAllowed, NotHere, StillWaiting, UnknownLink

if TYPE_CHECKING:
    from ..server import Server

COOKIE: Final = "sems_operator"
_SESSION_SECONDS: Final = 12 * 3600
#: In so many browsers the operator can be logged in at once.
_MOST_SESSIONS: Final = 1000
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class Caller:
    """Whom the credential of a request stands for."""

    def __init__(
        self, member: Member | None, *, name: str = "operator", rooms: tuple[str, ...] | None = None
    ) -> None:
        self.member = member
        """The participant; ``None``: the operator, or a program."""
        self.name = name
        """Whom requests are counted for."""
        self._rooms = rooms

    @property
    def id(self) -> int | None:
        """The participant's id, as commands take it; ``None``: the operator."""
        return self.member.id if self.member else None

    def conference(
        self, server: Server, name: str, *, lobby: bool = False, removed: bool = False
    ) -> Conference:
        """The conference of that name, if it is the caller's business; that of one who waits to be let in
        only with ``lobby``, that of one who was removed and can be brought back only with ``removed``.

        Raises NotAllowed, NotHere for one who was removed, or HTTPException 404.
        """
        if self.member:
            if self.member.removed and not removed:
                raise NotHere
            if self.member.conference.name != name:
                raise NotAllowed("You take part in another conference.", "other_conference")
            if self.member.waiting and not lobby:
                raise StillWaiting
            return self.member.conference
        self.must_be_for(name)
        conference = server.conferences.find(name)
        if conference is None:
            raise HTTPException(404, "There is no conference of this name.")
        return conference

    def must_be_for(self, room: str) -> None:
        """Raises NotAllowed for a program whose token is for other rooms."""
        if self._rooms is not None and not self.is_for(room):
            raise NotAllowed("This token is for other rooms.", "other_rooms")

    def is_for(self, room: str) -> bool:
        """The room is the operator's, or one of those of the program's token."""
        return self._rooms is None or any(fnmatchcase(room, pattern) for pattern in self._rooms)

    def must_be_operator(self) -> None:
        """Raises NotAllowed for a participant, and for a program whose token is for some rooms."""
        if self.member or self._rooms is not None:
            raise NotAllowed("Only the operator can do this.", "only_operator")

    def must_be_participant(self) -> Member:
        """Raises NotAllowed for the operator."""
        if self.member is None:
            raise NotAllowed("The operator takes part in no conference.", "operator_takes_no_part")
        return self.member


class Auth:
    """Knows callers by what they show."""

    def __init__(self, server: Server) -> None:
        self._server = server
        # Until when the browsers in which the operator has logged in are his, by what their cookies hold,
        # hashed: so the time of looking it up tells nothing of it. The oldest comes first.
        self._sessions: dict[bytes, float] = {}

    @staticmethod
    def address(request: HTTPConnection) -> str:
        """Whom requests are counted for that show no credential, or none that is known."""
        return f"address {request.client.host if request.client else ''}"

    def stranger(self, request: HTTPConnection) -> Caller:
        """One who has shown nothing, where nothing need be shown: no room is his business. A page of another
        site has no business here at all: raises NotAllowed."""
        self._must_not_come_from_another_page(request)
        return Caller(None, name=self.address(request), rooms=())

    def caller(self, request: HTTPConnection) -> Caller:
        """Who asks.

        The credential is the link in the path, for pages; an ``Authorization: Bearer`` header field with
        the token of a link or of the operator, for programs; or the cookie of the operator's page.
        Raises HTTPException 401, EndedLink or UnknownLink.
        """
        if token := request.path_params.get("token"):
            return _member(self._server.conferences.links.find(token))
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            credential = credential.strip()
            if self.is_operator_token(credential):
                return Caller(None)
            for known in self._server.config.api.tokens:
                if hmac.compare_digest(known.token.encode(), credential.encode()):
                    rooms = known.rooms if known.scope == "room" else None
                    return Caller(None, name=f"token {known.name}", rooms=rooms)
            try:
                return _member(self._server.conferences.links.find(credential))
            except UnknownLink:
                raise _unauthorized("This token is not known here.") from None
        if self.has_operator_session(request):
            self.must_come_from_our_page(request)
            return Caller(None)
        raise _unauthorized("A token is wanted: Authorization: Bearer TOKEN.")

    def is_operator_token(self, token: str) -> bool:
        """In a time that does not tell how much of it was right."""
        return hmac.compare_digest(token.encode(), self._server.operator_token.encode())

    def has_operator_session(self, request: HTTPConnection) -> bool:
        """The request comes from a browser in which the operator has logged in."""
        return self._sessions.get(_hashed(request.cookies.get(COOKIE, "")), 0.0) > time.monotonic()

    def log_in(self, request: HTTPConnection, response: Response) -> None:
        """Makes the browser that gets the response the operator's for twelve hours."""
        base_url = self._server.config.base_url or str(request.base_url)
        session = secrets.token_urlsafe(24)
        self._sessions[_hashed(session)] = time.monotonic() + _SESSION_SECONDS
        if len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        response.set_cookie(
            COOKIE,
            session,
            max_age=_SESSION_SECONDS,
            path="/",
            secure=base_url.startswith("https:"),
            httponly=True,
            samesite="strict",
        )

    def log_out(self, request: HTTPConnection, response: Response) -> None:
        """Takes it back: whoever has kept the cookie has nothing any more. Raises NotAllowed when a page of
        another site asks for it."""
        # A form says where it comes from in no other way (its Origin is null where no Referer is wanted).
        self._must_not_come_from_another_page(request)
        self._sessions.pop(_hashed(request.cookies.get(COOKIE, "")), None)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    @staticmethod
    def _must_not_come_from_another_page(request: HTTPConnection) -> None:
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise NotAllowed("This was asked by a page of another site.", "other_site")

    def must_come_from_our_page(self, request: HTTPConnection) -> None:
        """A cookie is sent along by the browser whoever asks, so what changes something must come from
        our own page. Raises NotAllowed."""
        if request.scope["method"] in _SAFE or request.headers.get("sec-fetch-site") == "same-origin":
            return
        origin = _place(request.headers.get("origin", ""))
        ours = {request.headers.get("host"), urlsplit(self._server.config.base_url or "").netloc}
        if not origin or origin not in ours:
            raise NotAllowed("This was asked by a page of another site.", "other_site")


def _hashed(session: str) -> bytes:
    return hashlib.sha256(session.encode("utf-8", "replace")).digest()


def _place(origin: str) -> str:
    """Host and port of an origin; empty if it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _member(member: Member) -> Caller:
    return Caller(member, name=f"participant {member.call.id}")


def _unauthorized(why: str) -> HTTPException:
    return HTTPException(401, why, {"WWW-Authenticate": "Bearer"})
