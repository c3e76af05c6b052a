"""The operator's API: what is remembered of the last calls."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ..errors import TraceError
from .endpoint import Ask, Endpoint, answer
from .views import TracedCallList, TracedCallView, TraceView

#: How many calls are listed unless another number is asked for, and at most.
LISTED: Final = 200
MOST: Final = 5000
#: No Call-ID is longer, in characters.
LONGEST: Final = 500


class TraceApi:
    """Shows why calls failed."""

    def endpoints(self) -> list[Endpoint]:
        """All of it is the operator's."""
        return [
            Endpoint(
                method="GET",
                path="/traces",
                handle=self.list_traces,
                name="listTraces",
                summary="Calls and other requests of which messages are remembered, the newest first",
                who="operator",
                answer=TracedCallList,
                errors=(422,),
                query={"limit": f"How many at most, up to {MOST}; {LISTED} unless given"},
            ),
            Endpoint(
                method="GET",
                path="/calls/{call}/trace",
                handle=self.show_trace,
                name="getTrace",
                summary=(
                    "All that is remembered of a call, by its id or its Call-ID, also when it has ended. "
                    "Secrets are masked"
                ),
                who="operator",
                answer=TraceView,
                errors=(404,),
            ),
        ]

    async def list_traces(self, ask: Ask) -> ASGIApp:
        """Which calls."""
        wanted = ask.request.query_params.get("limit", str(LISTED))
        if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 and 1 <= int(wanted) <= MOST):
            raise HTTPException(422, f"The limit is a number from 1 to {MOST}.")
        # Much may have to be read; the core does it without our thread.
        calls = await asyncio.to_thread(ask.server.traced_calls, int(wanted))
        return answer(TracedCallList(calls=[TracedCallView.of(call) for call in calls]))

    async def show_trace(self, ask: Ask) -> ASGIApp:
        """One call."""
        text, number = ask.path("call"), ask.number("call")
        if len(text) > LONGEST or not text.isprintable():
            raise HTTPException(404, "Nothing is remembered of a call of such an id.")
        # A Call-ID may be all digits, too.
        try:
            trace = await asyncio.to_thread(ask.server.trace, text if number is None else number)
        except TraceError as error:
            try:
                trace = await asyncio.to_thread(ask.server.trace, text)
            except TraceError:
                raise HTTPException(404, f"{error}."[:1].upper() + f"{error}."[1:]) from None
        return answer(TraceView.of(trace))
