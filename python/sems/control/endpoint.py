"""What an endpoint of the API is: one row that both the routes and the OpenAPI document are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..errors import SemsError
from .auth import Auth, Caller
from .middleware import INNER_SLASH
from .rates import Rates

if TYPE_CHECKING:
    from ..server import Server

Handler = Callable[["Ask"], Awaitable[ASGIApp]]
_Body = TypeVar("_Body", bound=BaseModel)

#: What can be said of a stream of events in its query.
BROWSER: Final = {
    "browser": "The same in all windows of one browser: when it has four streams, others end when they have "
    "told what is new, with the event `again`, and are to be opened again soon."
}
SINCE: Final = {"since": "Like the header field Last-Event-ID, for those who can not set one."} | BROWSER
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Ask:
    """A request whose sender is known."""

    request: Request
    server: Server
    caller: Caller

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name]).replace(INNER_SLASH, "/")

    def number(self, name: str) -> int | None:
        """A part of the path that is an id; None: it is none."""
        text = self.path(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None

    def since(self) -> int | None:
        """The number of the last event that a reader knows who comes back; None: he knows nothing.
        Raises HTTPException 422."""
        known = self.request.headers.get("last-event-id") or self.request.query_params.get("since")
        if known is not None and not (known.isascii() and known.isdecimal() and len(known) < 20):
            raise HTTPException(422, "The id of an event is a number.")
        return None if known is None else int(known)

    @property
    def browser(self) -> str:
        """What the windows of one browser have in common; empty: it was asked for in none."""
        return self.request.query_params.get("browser", "")[:_LONGEST_NAME]

    async def body(self, model: type[_Body]) -> _Body:
        """The body. Raises ValidationError, or HTTPException 415."""
        content_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise HTTPException(415, "The body must be JSON (Content-Type: application/json).")
        return model.model_validate_json(await self.request.body())


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    """``{id:int}`` is a number; where it is none, :meth:`Ask.number` says so."""
    handle: Handler
    name: str
    """The operationId."""
    summary: str
    who: Literal["both", "participant", "operator", "owner", "anyone"] = "both"
    """Whose credential opens it; ``anyone``: none is wanted, and none is looked at; ``owner``: of a box, or
    the operator, which the endpoint itself looks at."""
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    media_type: str = "application/json"
    errors: tuple[int, ...] = ()
    """Beyond those that every endpoint may answer with."""
    query: dict[str, str] = field(default_factory=dict)
    """Names of query parameters and what they are."""


def routes(endpoints: Iterable[Endpoint], server: Server, auth: Auth, rates: Rates) -> list[Route]:
    """The routes of the endpoints, one for each path."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(path, methods, server, auth, rates) for path, methods in by_path.items()]


def _route(path: str, methods: dict[str, Endpoint], server: Server, auth: Auth, rates: Rates) -> Route:
    async def serve(request: Request) -> ASGIApp:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        try:
            caller = auth.stranger(request) if endpoint.who in ("anyone", "owner") else auth.caller(request)
        except (HTTPException, SemsError):
            rates.ask(auth.address(request))
            raise
        rates.ask(caller.name)
        if endpoint.who == "operator":
            caller.must_be_operator()
        elif endpoint.who == "participant":
            caller.must_be_participant()
        return await endpoint.handle(Ask(request, server, caller))

    # Starlette would stumble over numbers of thousands of digits.
    return Route(path.replace(":int}", "}"), serve, methods=list(methods))


def answer(view: BaseModel, *, leave_out_missing: bool = False) -> Response:
    """A view as a response."""
    return Response(view.model_dump_json(exclude_none=leave_out_missing), media_type="application/json")
