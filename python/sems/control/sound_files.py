"""Sounds that lie on the disk, whole or in parts (RFC 9110 §14)."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse

#: One part: from the first byte to the last, to the end, or so many bytes before the end.
_PART: Final = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{0,18})|-\s*(\d{1,18}))\s*", re.ASCII)


async def sound_file(request: Request, file: Path, name: str | None) -> FileResponse:
    """A WAV file, or the part that is asked for; with a ``name`` it is saved under it instead of played.

    A ``Range`` that asks for several parts at once, or makes no sense, is ignored (RFC 9110 §14.2).
    Raises HTTPException 404 if the file has gone, 416 if there is no such part.
    """
    try:
        found = await asyncio.to_thread(os.stat, file)
    except FileNotFoundError:
        raise HTTPException(404) from None
    if not _makes_sense(request, found.st_size):
        headers = request.scope["headers"]
        request.scope["headers"] = [each for each in headers if each[0].lower() != b"range"]
    return FileResponse(
        file,
        media_type="audio/wav",
        filename=name,
        stat_result=found,
        content_disposition_type="attachment" if name else "inline",
    )


def _makes_sense(request: Request, size: int) -> bool:
    part = _PART.fullmatch(request.headers.get("range", ""))
    if part is None or len(request.headers.getlist("range")) > 1:
        return False
    first, last, before = part.groups()
    if last and int(last) < int(first):
        return False
    if int(before) == 0 if before else int(first) >= size:
        if "if-range" in request.headers:
            return False
        raise HTTPException(416, "There is no such part of it.", {"Content-Range": f"bytes */{size}"})
    return True
