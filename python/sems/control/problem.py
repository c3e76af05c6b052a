"""Errors of the API: every one is ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..conference import (
    BadTarget,
    EarlyLink,
    EndedLink,
    NotAllowed,
    NotHere,
    Refused,
    TooFast,
    TooManyCodes,
    UnknownLink,
    WrongCode,
)
from ..conference.pairing import LASTS
from ..conference.text import WINDOW
from .views import Problem

#: So many reasons are told why a body does not fit, …
_MOST_REASONS: Final = 3
#: … and of a member's name so many characters.
_LONGEST_PLACE: Final = 60

_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This can not be done here.",
    413: "That is too much at once.",
}


_REFUSALS = {
    NotAllowed: 403,
    NotHere: 404,
    WrongCode: 404,
    BadTarget: 422,
    TooFast: 429,
    TooManyCodes: 429,
}
#: After how many seconds it can be tried again.
_LATER = {TooFast: WINDOW, TooManyCodes: LASTS}


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, refused: Refused | None = None
) -> Response:
    """A response that says in a sentence why something was not done."""
    view = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    if refused:
        view = view.model_copy(update={"code": refused.code, "values": refused.values or None})
    return Response(
        view.model_dump_json(exclude_none=True),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


async def on_http_exception(_: Request, error: Exception) -> Response:
    """What Starlette or a handler raised as an HTTP status."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    is_own_sentence = error.detail != HTTPStatus(status).phrase
    detail = error.detail if is_own_sentence else _SENTENCES.get(status, error.detail)
    return problem(status, detail, error.headers)


async def on_refusal(_: Request, error: Exception) -> Response:
    """The conference does not carry the command out."""
    status = next((status for kind, status in _REFUSALS.items() if isinstance(error, kind)), 409)
    wait = next((seconds for kind, seconds in _LATER.items() if isinstance(error, kind)), None)
    headers = None if wait is None else {"Retry-After": str(math.ceil(wait))}
    return problem(status, str(error), headers, refused=error if isinstance(error, Refused) else None)


async def on_lost_link(_: Request, error: Exception) -> Response:
    """The link of a page stands for nobody (yet, or any more)."""
    status = 409 if isinstance(error, EarlyLink) else 410 if isinstance(error, EndedLink) else 404
    return problem(status, str(error))


async def on_invalid_body(_: Request, error: Exception) -> Response:
    """The body is not what the endpoint takes."""
    assert isinstance(error, ValidationError)
    found = error.errors(include_url=False, include_input=False, include_context=False)
    reasons = "; ".join(_reason(each["loc"], each["msg"]) for each in found[:_MOST_REASONS])
    more = len(found) - _MOST_REASONS
    return problem(422, f"That does not fit: {reasons}{f'; and {more} more' if more > 0 else ''}.")


def _reason(loc: tuple[int | str, ...], why: str) -> str:
    place = ".".join(str(part) for part in loc)[:_LONGEST_PLACE]
    why = why.removeprefix("Value error, ").removesuffix(".")
    return f"{place}: {why}" if place else why


async def on_failure(_: Request, error: Exception) -> Response:
    """A fault of ours. Its traceback is logged, not sent."""
    return problem(500, "The server failed to do this. The failure has been logged.")


HANDLERS = {
    HTTPException: on_http_exception,
    Refused: on_refusal,
    EarlyLink: on_lost_link,
    EndedLink: on_lost_link,
    UnknownLink: on_lost_link,
    ValidationError: on_invalid_body,
    Exception: on_failure,
}
