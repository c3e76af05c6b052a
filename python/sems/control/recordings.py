"""The API of recordings: making them, and hearing them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ..conference import Command, Conference, PauseRecording, Record, RecordingKind, StopRecording
from ..conference.permissions import permit_to_hear
from .conferences import conference_of, done
from .endpoint import Ask, Endpoint, answer
from .sound_files import sound_file
from .views import Done, RecordedList, RecordedView, RecordingView, RecordingWish


class RecordingApi:
    """Moderators record, and hear what was recorded since the conference began; the operator all."""

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to recordings."""
        one = "/conferences/{name}"
        recorded = one + "/recordings/{id}"
        return [
            Endpoint(
                method="PATCH",
                path=one + "/recording",
                handle=self.change,
                name="changeRecording",
                summary="Begin to record, pause, go on or stop",
                body=RecordingWish,
                answer=Done,
                errors=(403, 404, 409, 413, 415, 422),
            ),
            Endpoint(
                method="GET",
                path=one + "/recordings",
                handle=self.list,
                name="listRecordings",
                summary="The recordings of a conference, the newest first",
                answer=RecordedList,
                errors=(403, 404),
            ),
            Endpoint(
                method="GET",
                path=recorded,
                handle=self.hear,
                name="getRecording",
                summary="The sound of a recording, WAV; parts of it by Range",
                media_type="audio/wav",
                answer=RecordingView,
                query={
                    "member": "Of a recording of the members: only this one, by the name of his file.",
                    "download": "Anything: to be saved under a name instead of played.",
                },
                errors=(403, 404, 416),
            ),
            Endpoint(
                method="DELETE",
                path=recorded,
                handle=self.delete,
                name="deleteRecording",
                summary="Delete a recording",
                answer=Done,
                errors=(403, 404, 409),
            ),
        ]

    async def change(self, ask: Ask) -> ASGIApp:
        """Begins, pauses, goes on or stops."""
        conference = conference_of(ask)
        wish = await ask.body(RecordingWish)
        kind = RecordingKind(wish.kind or "mix")
        wanted: dict[str, Callable[[], Command]] = {
            "recording": lambda: Record(time.time(), kind),
            "paused": PauseRecording,
            "off": StopRecording,
        }
        return done(ask, conference, wanted[wish.state]())

    async def list(self, ask: Ask) -> ASGIApp:
        """What there is."""
        name, made = self._of(ask)
        found = await asyncio.to_thread(ask.server.conferences.archive.of, name)
        return answer(
            RecordedList(
                recordings=[RecordedView.of(each) for each in found if made is None or each.id in made]
            )
        )

    async def hear(self, ask: Ask) -> ASGIApp:
        """A file."""
        name, _ = self._of(ask, ask.path("id"))
        member = ask.request.query_params.get("member")
        file = await asyncio.to_thread(ask.server.conferences.archive.file, name, ask.path("id"), member)
        if file is None:
            raise _no_recording()
        download = "download" in ask.request.query_params
        saved_as = f"{ask.path('id')}-{member or 'mix'}.wav" if download else None
        return await sound_file(ask.request, file, saved_as)

    async def delete(self, ask: Ask) -> ASGIApp:
        """Takes it away."""
        name, _ = self._of(ask, ask.path("id"))
        conference, id = ask.server.conferences.find(name), ask.path("id")
        if conference:
            conference.recorder.check_deletion(id)
            deleted = await conference.recorder.delete(id)
        else:
            deleted = await asyncio.to_thread(ask.server.conferences.archive.delete, name, id)
        if not deleted:
            raise _no_recording()
        return answer(Done(sequence=conference.model.sequence if conference else 0))

    @staticmethod
    def _of(ask: Ask, id: str | None = None) -> tuple[str, frozenset[str] | None]:
        """The name of the room, and which of its recordings the caller may hear; ``None``: all."""
        if ask.caller.member is None:
            ask.caller.must_be_for(ask.path("name"))
            return ask.path("name"), None
        conference: Conference = conference_of(ask)
        permit_to_hear(conference.model.present(ask.caller.member.id))
        made = conference.recorder.made
        if id is not None and id not in made:
            raise _no_recording()
        return conference.name, made


def _no_recording() -> HTTPException:
    return HTTPException(404, "There is no such recording.")
