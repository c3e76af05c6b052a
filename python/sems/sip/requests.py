"""Requests beside those that make calls, in and out of a call's dialog, both ways."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, TypeVar

from .. import checks
from ..engine import Event
from ..errors import EngineError, WrongState
from ..log import Log, logger
from .headers import Headers, NameAddr, parse_params
from .identity import Identity
from .params import Params

if TYPE_CHECKING:
    from ..call import Call
    from ..server import Server

_T = TypeVar("_T")
RequestHandler = Callable[["SipRequest"], Awaitable[None]]


class _Content(TypedDict):
    body: bytes | None
    content_type: str


class Body:
    """What requests and responses share."""

    headers: Headers
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type of the body in small letters, without parameters; empty when there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text, by the charset of its Content-Type (UTF-8 without one). Never raises."""
        charset = parse_params(self.headers.get("Content-Type", "").partition(";")[2]).get("charset", "utf-8")
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class SipResponse(Body):
    """The final response to a request of ours. 408 without header fields: none came in time; 503
    without: there was no way there (RFC 3261 §8.1.3.1).

    >>> response = await call.request("OPTIONS")
    >>> response.code, response.ok
    (200, True)
    """

    code: int
    """The status, 200 to 699."""
    reason: str
    """The phrase behind it."""
    headers: Headers
    """Its header fields."""
    body: bytes = b""
    """Its body; empty when there is none."""

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.code < 300


class SipRequest(Body, Identity):
    """A request that a peer sent.

    >>> @app.message
    ... async def on_message(message: SipRequest) -> None:
    ...     print(message.sender.uri, message.text)
    ...     await message.respond(200)
    """

    def __init__(self, server: Server, event: Event.Request) -> None:
        self.server = server
        self.method = event.method
        self.uri = event.uri
        """The Request-URI."""
        self.headers = Headers.of_message(event.headers)
        self.body = event.body
        self.source = event.source
        """Where it came from, ``"ip:port"``."""
        self.transport = event.transport
        """What it came over: ``udp``, ``tcp`` or ``tls``."""
        self.local = event.local
        """The address at which it arrived, ``"ip:port"``."""
        self.trusted = event.trusted
        """It came from one of the configured trusted networks."""
        self.authenticated_user = event.user
        """The user whose password its sender has; None: it wasn't asked."""
        self.call: Call | None = None if event.call is None else server.calls.get(event.call)
        """The call in whose dialog it came; None: it came outside any."""
        self.params = Params() if self.call is None else self.call.params
        """Parameters for the app: of a request in a call those of the call, of others as of a call to this
        URI (:attr:`Call.params <sems.call.Call.params>`)."""
        self.answered = event.answered
        """There is an answer already, by us or by the core."""
        self._transaction = event.transaction

    def __repr__(self) -> str:
        return f"<SipRequest {self.method} {self.uri}>"

    @property
    def log(self) -> Log:
        """Writes lines that name the call in whose dialog it came."""
        return logger if self.call is None else self.call.log

    @property
    def sender(self) -> NameAddr:
        """The From address."""
        return NameAddr.parse(self.headers.get("From", ""))

    async def respond(
        self,
        code: int = 200,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | str | None = None,
        content_type: str = "text/plain",
    ) -> None:
        """Answers with a final response (200–699). Raises WrongState when there is an answer already,
        which the core gives when the app was too slow.

        ``headers``: more header fields, each a name and a value, but for those that :meth:`Call.answer()
        <sems.call.Call.answer>` refuses; Contact may be among them."""
        checks.code(code, 200, 699)
        checks.text("reason", reason, none=True)
        fields = checks.headers(headers, may={"contact"})
        checks.body(body, content_type, empty_type=True)
        if self.answered:
            raise WrongState(f"the {self.method} has been answered already")
        self.answered = True
        request = self.server.engine.core.respond(
            self._transaction, code, reason, headers=fields, **content(body, content_type)
        )
        try:
            await self.server.engine.completion(request)
        except EngineError as error:
            raise WrongState(str(error)) from None


class CallRequests(ABC):
    """What can be asked of the peer of a call beside the call itself. See :class:`~sems.call.Call`."""

    id: int
    server: Server

    @abstractmethod
    async def _alone(self, future: asyncio.Future[_T]) -> _T:
        """The result of a future that nobody else waits for, or HungUp when the call ends first."""

    async def request(
        self,
        method: str,
        *,
        body: bytes | str | None = None,
        content_type: str = "text/plain",
        headers: Iterable[tuple[str, str]] = (),
    ) -> SipResponse:
        """Sends a request within the call's dialog and returns the final response. Any method but those
        of calls; a text is sent as UTF-8.

        >>> answer = await call.request("INFO", body="level=3", content_type="text/x-level")
        >>> call.log.info("the peer has answered", code=answer.code)

        ``headers``: more header fields, as for :meth:`answer`.

        Raises HungUp when the call ends first, EngineError when it can't be sent.
        """
        checks.method("method", method)
        checks.body(body, content_type, empty_type=True)
        fields = checks.headers(headers)
        request = self.server.engine.core.request(
            method, call=self.id, headers=fields, **content(body, content_type)
        )
        return response(await self._alone(self.server.engine.answered(request)))

    async def send_message(self, text: str) -> SipResponse:
        """Sends a text to the peer (MESSAGE, RFC 3428) within the call's dialog.

        >>> await call.send_message("Somebody will be with you soon.")
        """
        checks.text("text", text, lines=True)
        return await self.request("MESSAGE", body=text, content_type="text/plain;charset=UTF-8")


def content(body: bytes | str | None, content_type: str) -> _Content:
    """For the core: a body, texts as UTF-8, and of which type it is."""
    if body is None:
        return {"body": None, "content_type": ""}
    return {"body": body.encode() if isinstance(body, str) else body, "content_type": content_type}


def response(event: Event.Response) -> SipResponse:
    """What the core tells of a final response."""
    return SipResponse(event.code, event.reason, Headers.of_message(event.headers), event.body)
