"""The API of voice mail: what its page does, for programs."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ..errors import BoxLocked, PluginError, StorageError
from ..log import logger
from ..storage import StoredMessage
from .auth import Auth
from .endpoint import Ask, Endpoint, answer
from .sound_files import sound_file
from .views import MailboxList, MailboxView, VoiceMessageList, VoiceMessageView, VoiceMessageWish

_T = TypeVar("_T")


class MailboxApi:
    """Lets the owner of a box, and the operator, list, hear, save and delete messages."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to voice mail."""
        box = "/boxes/{box}"
        message = box + "/messages/{id}"
        return [
            Endpoint(
                method="GET",
                path="/boxes",
                handle=self.list_boxes,
                name="listBoxes",
                summary="All voice mail boxes, and how many messages each has",
                who="operator",
                answer=MailboxList,
                errors=(503,),
            ),
            Endpoint(
                method="GET",
                path=box,
                handle=self.show_box,
                name="getBox",
                summary="A voice mail box, by its name or one of its users",
                who="owner",
                answer=MailboxView,
                errors=(404, 503),
            ),
            Endpoint(
                method="GET",
                path=box + "/messages",
                handle=self.list_messages,
                name="listVoiceMessages",
                summary="The messages of a box",
                who="owner",
                answer=VoiceMessageList,
                errors=(404, 503),
            ),
            Endpoint(
                method="GET",
                path=message,
                handle=self.hear,
                name="getVoiceMessage",
                summary="The sound of a message, WAV; parts of it by Range",
                who="owner",
                answer=VoiceMessageView,
                media_type="audio/wav",
                query={"download": "Anything: to be saved under a name instead of played."},
                errors=(404, 416, 503),
            ),
            Endpoint(
                method="PATCH",
                path=message,
                handle=self.change,
                name="saveVoiceMessage",
                summary="Keep a message as listened to",
                who="owner",
                body=VoiceMessageWish,
                answer=VoiceMessageView,
                errors=(404, 413, 415, 422, 503),
            ),
            Endpoint(
                method="DELETE",
                path=message,
                handle=self.delete,
                name="deleteVoiceMessage",
                summary="Delete a message",
                who="owner",
                errors=(404, 503),
            ),
        ]

    async def list_boxes(self, ask: Ask) -> ASGIApp:
        """All of them."""
        names = [name for name in ask.server.config.boxes if name != "default"]
        return answer(MailboxList(boxes=[await self._box(ask, name) for name in names]))

    async def show_box(self, ask: Ask) -> ASGIApp:
        """One box."""
        return answer(await self._box(ask, await self._open(ask)))

    async def list_messages(self, ask: Ask) -> ASGIApp:
        """What is in it."""
        box = await self._open(ask)
        messages = await _kept(ask.server.mailboxes.messages(box))
        return answer(VoiceMessageList(messages=[VoiceMessageView.of(each) for each in messages]))

    async def hear(self, ask: Ask) -> ASGIApp:
        """The sound of one."""
        message = await self._message(ask, await self._open(ask))
        if not await asyncio.to_thread(message.path.is_file):
            raise _no_message()
        download = "download" in ask.request.query_params
        return await sound_file(ask.request, message.path, f"{message.id}.wav" if download else None)

    async def change(self, ask: Ask) -> ASGIApp:
        """Saves one."""
        box = await self._open(ask)
        await ask.body(VoiceMessageWish)
        if not await _kept(ask.server.mailboxes.save(box, ask.path("id"))):
            raise _no_message()
        return answer(VoiceMessageView.of(await self._message(ask, box)))

    async def delete(self, ask: Ask) -> ASGIApp:
        """Takes one away."""
        box = await self._open(ask)
        if not await _kept(ask.server.mailboxes.delete(box, ask.path("id"))):
            raise _no_message()
        return Response(status_code=204)

    @staticmethod
    async def _box(ask: Ask, name: str) -> MailboxView:
        settings = ask.server.mailboxes.settings(name)
        assert settings is not None
        return MailboxView.of(name, settings, await _kept(ask.server.mailboxes.messages(name)))

    @staticmethod
    async def _message(ask: Ask, box: str) -> StoredMessage:
        message = await _kept(ask.server.mailboxes.message(box, ask.path("id")))
        if message is None:
            raise _no_message()
        return message

    async def _open(self, ask: Ask) -> str:
        """The box in the path, for its owner and for the operator. Raises HTTPException, and NotAllowed for
        the token of somebody else."""
        if not ask.server.config.boxes:
            # Nothing of the storage is made for a question.
            raise HTTPException(404, "There are no boxes here.")
        named = ask.path("box")
        shown = _shown(ask.request)
        if shown is None:
            self._auth.caller(ask.request).must_be_operator()
            box = _named(ask, named)
            if box is None:
                raise HTTPException(404, "There is no such box.")
            return box
        user, pin = shown
        box = _named(ask, named)
        try:
            # A box that is not there takes as long, and answers the same, as one with another PIN.
            right = await _kept(ask.server.mailboxes.check_pin(box or "", pin))
        except BoxLocked as error:
            raise HTTPException(
                429, f"{str(error)[:1].upper()}{str(error)[1:]}.", {"Retry-After": "900"}
            ) from None
        if not right or box is None or _named(ask, user) != box:
            raise HTTPException(401, "Box and PIN do not fit.", {"WWW-Authenticate": 'Basic realm="box"'})
        return box


def _named(ask: Ask, name: str) -> str | None:
    """The box of that name, or of a user of that name."""
    boxes = ask.server.mailboxes
    return name if boxes.settings(name) is not None else boxes.box_of(name)


def _shown(request: Request) -> tuple[str, str] | None:
    """Box and PIN, as HTTP's Basic scheme has them (RFC 7617). None: another credential, or none."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, pin = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user, pin = "", ""
    return user, pin


async def _kept(work: Awaitable[_T]) -> _T:
    """What the storage says. Raises HTTPException 503 when it can't be asked."""
    try:
        return await work
    except (StorageError, PluginError) as error:
        if isinstance(error, BoxLocked):
            raise
        logger.error("a box can't be used", why=str(error))
        raise HTTPException(503, "The boxes can not be used now.") from error


def _no_message() -> HTTPException:
    return HTTPException(404, "There is no such message.")
